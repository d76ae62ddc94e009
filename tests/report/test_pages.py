"""The pages by their structure, and the entry point."""

import csv
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hydra import compose, initialize_config_dir

from page_structure import PageStructure
from physics_tables import evaluation_rows, write_table
from roilab.entry_point import config_dir
from roilab.export.parity import Parity
from roilab.model_card.markdown import plain_text
from roilab.report.__main__ import main
from roilab.report.pictures import Album
from roilab.report.run_page import try_write_run_page, write_run_page
from roilab.verdict import Kind, Verdict, judge_training, read_training_table
from run_folders import write_config, write_log, write_picture, write_run, write_sweep

Run = Callable[..., None]


def column(table: list[list[str]], name: str) -> list[str]:
    index = [heading.strip() for heading in table[0]].index(name)
    return [row[index].strip() for row in table[1:]]


def jobs_table(page: PageStructure) -> list[list[str]]:
    """Return the table of all jobs."""
    return next(table for table in page.tables if table[0][0].strip() == "job")


def check_links(page: Path, structure: PageStructure) -> None:
    """Relative links lead to files that are there."""
    for link in structure.links:
        if not link.startswith(("data:", "#")):
            assert (page.parent / unquote(link)).exists(), link


def test_page_on_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = tmp_path / "a sweep"
    sweep.mkdir()
    write_sweep(sweep)
    assert main([str(sweep)]) == 0
    assert capsys.readouterr().out.strip() == str(sweep / "report.html")
    page = PageStructure(sweep / "report.html")
    assert page.accessibility_problems() == []
    check_links(sweep / "report.html", page)
    assert [text for _, text in page.headings] == [
        "a sweep: 6 jobs", "Losses", "Maps of rebin and threshold", "Time and memory", "Jobs",
        "Not finished", "Pictures of every run",
    ]  # fmt: skip
    maps, (jobs, problems) = page.tables[:-2], page.tables[-2:]
    assert column(problems, "state") == ["failed", "interrupted", "not started"]
    assert column(problems, "why") == [
        "the training loss is <nan> at epoch 0.",
        "It was stopped before its end.",
        "The sweep has not started it.",
    ]
    assert column(jobs, "rebin") == ["4", "4", "4", "10", "10", "-"]
    assert column(jobs, "threshold") == ["50", "100", "200", "50", "100", "-"]
    assert column(jobs, "validation loss") == ["0.1", "0.11", "0.12", "-", "0.5", "-"]
    assert column(jobs, "Dice")[0] == "0.9000"
    assert column(jobs, "best") == ["1", "1", "1", "-", "0", "-"]
    assert column(jobs, "time")[0] == "1 min 15 s"
    assert column(jobs, "memory [MB]") == ["900"] * 3 + ["-"] * 3
    assert column(jobs, "parameters [M]")[0] == "1.23"
    assert set(column(jobs, "inefficiency [%]")) == {"-"}
    assert "0.1, is that of rebin 4, threshold 50" in page.text
    assert {path.name for path in (sweep / "report").iterdir()} == {
        *("losses.png", "maps.png", "error-time.png", "error-memory.png"),
    }
    text = " ".join(page.text.split())
    assert "Not known which one is better than gauss: no run was evaluated on a sample" in text
    assert "On validation events rebin 4, threshold 50 has the highest Dice, 0.900" in text
    # Training loss, validation loss and Dice, over both settings; three jobs have no values.
    assert page.captions[:3] == ["Dice", "training loss", "validation loss"]
    assert [[cell.strip() for cell in row] for row in maps[0]] == [
        ["rebin \\ threshold", "50", "100", "200"], ["4", "0.9", "0.89", "0.88"],
        ["10", "-", "0.5", "-"],
    ]  # fmt: skip


def test_settings_that_differ(tmp_path: Path) -> None:
    for name, rate in (("one", "0.1"), ("two", "0.2")):
        write_run(tmp_path / name, [0.5], {})
        config = tmp_path / name / ".hydra" / "config.yaml"
        text = config.read_text().replace("lr: 0.1", f"lr: {rate}")
        config.write_text(text.replace("frames}'", f"/{name}/frames}}'"))
    assert main([str(tmp_path / "one"), str(tmp_path / "two"), "--output", str(tmp_path)]) == 0
    page = PageStructure(tmp_path / "report.html")
    table = next(table for table in page.tables if table[0][0] == "setting")
    # The same folder name elsewhere is no difference.
    assert table == [["setting", "one", "two"], ["optimizer.lr", "0.1", "0.2"]]


def test_inefficiency_of_physics_tables(tmp_path: Path) -> None:
    for rebin, inefficiency in ((4, "1.0"), (10, "4.0")):
        write_run(tmp_path / str(rebin), [0.5], {"data.rebin": rebin})
        folder = tmp_path / str(rebin) / "physics"
        folder.mkdir()
        (folder / "best.csv").write_text(
            "plane,theta_xz,method,bias,bias_low,bias_high,"
            "inefficiency,inefficiency_low,inefficiency_high,roi_purity\n"
            f"V,0,dnn,-1.234,-1.734,-0.734,0,0,1.83,0.9\n"
            f"V,80,dnn,,,,{inefficiency},0.5,9,0.8\nV,80,gauss,-65,,,50,40,60,0.1\n"
        )
        write_picture(folder / "bias-tracks-V.png")
    assert main([str(tmp_path)]) == 0
    jobs = jobs_table(PageStructure(tmp_path / "report.html"))
    assert column(jobs, "inefficiency [%]") == ["0.5", "2"]
    assert column(jobs, "verdict") == ["better", "better"]
    run = PageStructure(tmp_path / "4" / "report.html")
    assert run.accessibility_problems() == []
    table = next(table for table in run.tables if "method" in "".join(table[0]))
    assert column(table, "bias [%]") == ["-1.23 ± 0.50", "-", "-65.00"]
    assert column(table, "inefficiency [%]") == [
        "0.00 -0.00 +1.83",
        "1.00 -0.50 +8.00",
        "50.00 ± 10.00",
    ]
    shown = [chart.partition(":")[0] for chart in run.charts]
    assert shown[:3] == [
        "bias against angle, sample, plane V", "inefficiency against angle, sample, plane V",
        "ROI purity against angle, sample, plane V",
    ]  # fmt: skip
    assert "physics/bias-tracks-V.png" in run.links
    answers = " ".join(run.text.split())
    assert "Better than gauss? Yes." in answers
    assert "Where not? Nowhere worse, within errors." in answers
    assert (
        "Better. Better than gauss at 80 degrees (inefficiency 1.0 % against 50 %). ROI purity 0.85"
    ) in " ".join(run.text.split())
    assert 'class="verdict green"' in (tmp_path / "4" / "report.html").read_text()


def test_places_where_a_network_is_worse_are_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_run(run, [0.5], {})
    worse = evaluation_rows(sample="showers", energy=500, bias=-40.0, bias_low=-41, bias_high=-39)
    for row in worse:
        if row["method"] == "gauss":
            row |= {"bias": -1.0, "bias_low": -2.0, "bias_high": 0.0}
    write_table(run / "physics" / "best.csv", [*evaluation_rows(), *worse])
    write_run_page(run)
    answers = " ".join(PageStructure(run / "report.html").text.split())
    assert "Better than gauss? In part: at 1 of 4 places." in answers
    assert "Worse: showers V of 500 MeV: 0 to 80 degrees. Equal within errors at 1 of 4" in answers


def test_a_network_that_marks_nothing_is_red(tmp_path: Path) -> None:
    # Dice is 1 - loss.
    write_run(tmp_path / "nothing", [1.0], {"seed": 1})
    write_run(tmp_path / "something", [0.5], {"seed": 2})
    assert main([str(tmp_path)]) == 0
    pages = [(tmp_path / name / "report.html").read_text() for name in ("nothing", "something")]
    assert "The network marks no true pixel of the validation images, Dice 0:" in pages[0]
    assert ['class="verdict red"' in page for page in pages] == [True, False]
    assert ['class="state failed"' in page for page in pages] == [True, False]
    assert "No sample." in pages[1]
    assert "simulation=tracks" in pages[1]
    jobs = jobs_table(PageStructure(tmp_path / "report.html"))
    assert column(jobs, "verdict") == ["marks nothing", "no sample"]
    assert PageStructure(tmp_path / "nothing" / "report.html").accessibility_problems() == []


def test_several_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "one", [0.5], {})
    write_log(tmp_path / "two", [0.4])
    monkeypatch.chdir(tmp_path)
    assert main(["one", "two"]) == 0
    (page,) = tmp_path.glob("outputs/report/*/*/report.html")
    structure = PageStructure(page)
    check_links(page, structure)
    jobs = jobs_table(structure)
    assert column(jobs, "job") == ["one", "two"]
    assert main(["one", "two", "--output", "here"]) == 0
    assert (tmp_path / "here" / "report.html").is_file()


def test_runs_of_different_metrics(tmp_path: Path) -> None:
    write_log(tmp_path / "a", [0.5])
    (tmp_path / "b" / "csv" / "version_0").mkdir(parents=True)
    (tmp_path / "b" / "csv" / "version_0" / "metrics.csv").write_text("epoch,val/other\n0,nan\n")
    (tmp_path / "c" / "csv" / "version_0").mkdir(parents=True)
    (tmp_path / "c" / "csv" / "version_0" / "metrics.csv").write_text("")
    assert main([str(tmp_path)]) == 0
    structure = PageStructure(tmp_path / "report.html")
    jobs = jobs_table(structure)
    assert column(jobs, "state") == ["finished", "unfinished", "unfinished"]
    assert column(jobs, "validation loss") == ["0.5", "-", "-"]
    # A dash for what is missing, or no row.
    metrics = PageStructure(tmp_path / "b" / "report.html").tables[1]
    assert [[cell.strip() for cell in row] for row in metrics[1:]] == [["other", "NaN", "NaN", "-"]]


EXPORT = {"image": [800, 600], "expected_memory_mb": 712, "steps_in_bands": 0}
DIFFERENCE = "difference of the ROI probability (channels x slices):"


@pytest.mark.parametrize(
    ("precision", "parity", "text"),
    [
        (
            "float32", Parity({"64x96": 1.2e-7, "75x131": 2e-6}, "max", 1e-5),
            f"largest {DIFFERENCE} 1.2e-07 at 64x96, 2e-06 at 75x131; limit: 1e-05",
        ),
        (
            "float32", Parity({"64x96": 2.1e-5}, "max", 3.3e-5),
            f"largest {DIFFERENCE} 2.1e-05 at 64x96; limit: 3.3e-05, three times the rounding "
            "error of the network in float32",
        ),
        (
            "bf16", Parity({"64x96": 0.0031}, "mean", 0.01),
            f"mean {DIFFERENCE} 0.0031 at 64x96; limit: 0.01",
        ),
        ("bf16", None, "not recorded"),
        (None, None, "not recorded"),
    ],
    ids=["float32", "steep", "bf16", "without parity", "without export"],
)  # fmt: skip
def test_exported_network(
    tmp_path: Path, precision: str | None, parity: Parity | None, text: str
) -> None:
    write_log(tmp_path, [0.5])
    (tmp_path / "model.ts").write_bytes(b"0" * 2_500_000)
    metadata: dict[str, Any] = {"layers": ["loose_lf"], "versions": {"roilab": "0.1.0"}}
    if precision is not None:
        parity_keys = {} if parity is None else parity.metadata()
        metadata["export"] = {"precision": precision, **EXPORT, **parity_keys}
    (tmp_path / "model.json").write_text(json.dumps(metadata))
    page = PageStructure(write_run_page(tmp_path))
    facts = dict(zip(*(column(page.tables[-1], name) for name in ("fact", "value")), strict=True))
    assert facts["size"] == "2.5 MB"
    assert facts["precision"] == (precision or "not recorded")
    assert facts["parity with the checkpoint"] == text
    assert facts["input layers"] == "[loose_lf]"
    assert ("memory of one image" in facts) == (precision is not None)
    if precision is not None:
        memory = "up to about 712 MB beside the loaded file, for 800 channels x 600 slices"
        assert facts["memory of one image"] == memory


@pytest.mark.parametrize(
    "text", ["", "epoch,step,train/loss\n", "epoch,train/lo", "lr-SGD,step\n0.1,0\n"]
)
def test_empty_logs(tmp_path: Path, text: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "csv" / "version_0").mkdir(parents=True)
        (tmp_path / name / "csv" / "version_0" / "metrics.csv").write_text(text)
    assert main([str(tmp_path)]) == 0
    assert "Nothing was logged" in PageStructure(tmp_path / "report.html").text
    run = PageStructure(tmp_path / "a" / "report.html")
    assert "Nothing was logged" in run.text
    assert run.accessibility_problems() == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("nowhere", "nowhere: there is no such folder"), ("", "there is no run in it")],
)
def test_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str) -> None:
    assert main([str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert text in err
    assert len(err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_page_where_none_can_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_log(tmp_path / "run", [0.5])
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path / "run"), "--output", str(tmp_path / "file")]) == 1
    err = capsys.readouterr().err
    assert "file: the page cannot be written there (Not a directory:" in err
    assert "Name one with --output." in err
    write_log(tmp_path / "other", [0.5])
    (tmp_path / "other" / "report.html").mkdir()
    assert main([str(tmp_path / "other")]) == 1
    assert "(Is a directory:" in capsys.readouterr().err


def test_text_of_others_is_no_markup(tmp_path: Path) -> None:
    write_log(tmp_path, [0.5])
    write_config(tmp_path, ["data.rec=<script>alert(1)</script>"])
    write_run_page(tmp_path)
    assert "<script>alert" not in (tmp_path / "report.html").read_text()


def test_room_for_pictures_is_kept(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png")
    album = Album(tmp_path, 3000)
    picture = album.add(tmp_path / "a.png", "a", "a")
    assert picture is not None
    assert len(picture.source) == 3000 - album.room
    assert album.add(tmp_path / "a.png", "a", "a") is None or album.room >= 0
    assert Album(tmp_path, 10).add(tmp_path / "a.png", "a", "a") is None
    (tmp_path / "b.png").write_text("no picture")
    assert album.add(tmp_path / "b.png", "b", "b") is None


def test_large_pictures_are_packed(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 255, (400, 2000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    picture = Album(tmp_path, 10_000_000).add(tmp_path / "noise.png", "noise", "noise")
    assert picture is not None
    assert picture.source.startswith("data:image/webp;base64,")
    assert (picture.width, picture.height) == (1600, 320)
    assert len(picture.source) < (tmp_path / "noise.png").stat().st_size


def test_training_leaves_a_page(
    run_train: Run, tiny_arguments: list[str], tracks_dir: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    given = [f"data.samples=[{tracks_dir}]", "data.val_fraction=0.6"]
    run_train(*tiny_arguments, *given)
    page = tmp_path / "run" / "report.html"
    printed = capsys.readouterr()
    assert f"page on this run: {page}" in printed.err
    assert page.stat().st_size < 5_000_000
    structure = PageStructure(page)
    assert structure.accessibility_problems() == []
    check_links(page, structure)
    assert [text for level, text in structure.headings if level == 2] == [
        "Against gauss", "Mask threshold", "Deploy", "Events", "Recipe", "Losses", "Export",
        "Commands",
    ]  # fmt: skip
    masks = [chart for chart in structure.charts if chart.startswith("ROI mask against truth")]
    assert [text.partition(", of ")[2].partition(":")[0] for text in masks] == [
        "Best event", "Median event", "Worst event",
    ]  # fmt: skip
    assert sum(chart.startswith("truth charge") for chart in structure.charts) == 3
    bias = next(n for n, chart in enumerate(structure.charts) if chart.startswith("bias"))
    assert bias == 0  # the first chart of the page
    with (tmp_path / "run" / "pictures" / "best_worst_events.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    efficiencies = [float(row["roi_efficiency"]) for row in rows]
    assert efficiencies == sorted(efficiencies)
    assert [row["rank"] for row in rows] == ["worst", "median", "best"]
    exported = json.loads((tmp_path / "run" / "model.json").read_text())
    assert exported["git_commit"] is None or exported["git_commit"] in structure.text
    export = exported["export"]
    assert f"up to about {export['expected_memory_mb']} MB beside the loaded file" in structure.text
    assert "48 channels x 48 slices" in structure.text
    assert column(structure.tables[-1], "value")[5] == export["precision"] == "float32"
    assert all(
        f"{value:.2g} at {size}" in structure.text for size, value in export["parity"].items()
    )
    best = next((tmp_path / "run" / "checkpoints").glob("best*"))
    assert f"python -m roilab.evaluate network={best} sample=FOLDER" in structure.text
    assert "resume=auto" in structure.text
    commands_compose(structure)
    # The same verdict in the terminal, the status file, the page and the model card.
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    verdict = Verdict.from_plain(status["results"]["verdict"])
    facts = [status["results"][name] for name in ("metrics", "working_point")]
    assert verdict == judge_training(read_training_table(tmp_path / "run"), *facts)
    assert verdict.kind is not Kind.NO_SAMPLE
    assert f"verdict    {verdict}" in printed.out
    assert verdict.sentence in " ".join(structure.text.split())
    assert plain_text(verdict.sentence) in (tmp_path / "run" / "README.md").read_text()


def commands_compose(page: PageStructure) -> None:
    """Commands a reader can copy name keys that are there."""
    lines = [line for line in page.text.splitlines() if line.startswith("python -m roilab.")]
    assert len(lines) == 5
    for verb, *arguments in (shlex.split(line.removeprefix("python -m roilab.")) for line in lines):
        if not (config_dir() / f"{verb}.yaml").is_file():
            continue
        if arguments[0] == "--config-dir":
            arguments[:2] = [f"hydra.searchpath=[file://{arguments[1]}]"]
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            compose(verb, arguments)


def test_a_run_does_not_fail_for_its_page(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_log(tmp_path, [0.5])
    (tmp_path / "report.html").mkdir()
    try_write_run_page(tmp_path)
    assert "no report.html could be written" in caplog.text
    assert not list(tmp_path.glob(".*partial"))


def test_no_page_where_none_is_wanted(
    run_train: Run, tiny_arguments: list[str], tmp_path: Path
) -> None:
    plain = [argument for argument in tiny_arguments if not argument.startswith("callbacks.")]
    run_train(*plain, "trainer.max_epochs=1", "report=false", "callbacks=none")
    assert not (tmp_path / "run" / "report.html").exists()
