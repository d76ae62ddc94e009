"""Page of a study, from folders like those of trainings and their evaluations."""

from pathlib import Path

import pytest

from page_structure import PageStructure
from physics_tables import evaluation_rows, write_table
from roilab.report.__main__ import main
from run_folders import write_picture, write_run


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Two evaluated networks, one of which marks nothing, and one without evaluation."""
    for rebin in (4, 6, 10):
        write_run(tmp_path / "train" / f"rebin{rebin}", [0.5, 0.25], {"data.rebin": rebin})
    good, bad = tmp_path / "train" / "rebin10", tmp_path / "train" / "rebin4"
    write_table(good / "evaluation" / "table.csv", evaluation_rows())
    lost = [
        {**row, "inefficiency": 100.0} if row["method"] == "dnn" else row
        for row in evaluation_rows()
    ]
    write_table(bad / "evaluation" / "table.csv", lost)
    for name in ("inefficiency", "bias", "resolution", "charge_profile", "rois", "scan"):
        write_picture(good / "evaluation" / "figures" / f"{name}-tracks-V.png")
    return tmp_path


def test_verdict_curves_table_and_commands(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(study / "train"), "--study", "--output", str(study / "report")]) == 0
    path = study / "report" / "report.html"
    assert str(path) in capsys.readouterr().out
    page = PageStructure(path)
    assert page.headings[0] == (1, f"Study {study.name}: 3 networks")
    # The best verdict first, and "marks nothing" last.
    assert [text for level, text in page.headings if level == 3] == ["rebin10", "rebin6", "rebin4"]
    (table,) = page.tables
    verdicts = [row[1] for row in table[1:]]
    assert verdicts == ["better", "no sample", "marks nothing"]
    heads = dict(zip(table[0], table[1], strict=True))
    # Means of 0 and 80 degrees: the sizes 1 and 3, and 0 and 60.
    assert heads["bias, size [%], network"] == "2.0"
    assert heads["bias, size [%], gauss"] == "30.0"
    assert heads["inefficiency [%], network"] == "1.00"
    assert heads["ROI purity, gauss"] == "0.500"
    assert "Better than gauss at 80 degrees" in " ".join(page.text.split())
    # The four curves in the order of the metrics, and no other figures.
    captions = [picture["alt"] or "" for picture in page.pictures]
    assert [caption.split(" against")[0] for caption in captions] == [
        *("Bias", "Resolution", "Inefficiency", "Charge profile")
    ]
    best = study / "train" / "rebin10"
    for line in (
        "roilab train model=unet data.rebin=10",
        f"roilab predict network={best} frames=FOLDER output_dir=predicted",
        f"roilab export network={best} output_dir=delivery",
    ):
        assert line in page.text
    assert "../train/rebin10/report.html" in page.links
    assert page.accessibility_problems() == []
