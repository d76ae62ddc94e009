"""``roilab sample``: meta.json from the names of files."""

import json
import shutil
from pathlib import Path

import pytest

from known_tracks import write_sample
from roilab.sample.__main__ import main
from roilab.sample.pattern import NamePattern


def one_file(folder: Path, rec: str, tru: str) -> None:
    """Write one event under other names."""
    made = folder / "made"
    made.mkdir()
    write_sample(made, [{"theta_xz": 0, "channels": slice(48, 96), "dead": 0}])
    for name, new in (("g4-rec-0.h5", rec), ("g4-tru-0.h5", tru)):
        shutil.move(made / name, folder / new)
    shutil.rmtree(made)


@pytest.fixture
def angles(tmp_path: Path) -> Path:
    for angle in ("80", "0", "7.5"):
        one_file(tmp_path, f"t-xz{angle}-rec-U.h5", f"t-xz{angle}-tru-U.h5")
    return tmp_path


def written(folder: Path) -> list[dict[str, object]]:
    return json.loads((folder / "meta.json").read_text())["events"]  # type: ignore[no-any-return]


def test_angles_and_planes_of_names(angles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(angles), "--pattern", "*-xz{theta_xz}-*-{plane}.h5"]) == 0
    out = capsys.readouterr().out
    assert "meta.json: 3 events of 3 files; plane U; theta_xz 0, 7.5, 80 degrees." in out
    assert [event["theta_xz"] for event in written(angles)] == [0.0, 7.5, 80.0]
    assert written(angles)[1] == {
        "event": 0, "rec": "t-xz7.5-rec-U.h5", "tru": "t-xz7.5-tru-U.h5", "plane": "u",
        "theta_xz": 7.5, "tracks": [{"kind": "line"}],
    }  # fmt: skip


def test_the_evaluation_takes_it(tmp_path: Path) -> None:
    from roilab.detectors import Readout
    from roilab.evaluate.sample import read_sample

    one_file(tmp_path, "xz80_2GeV.h5", "truth_80.h5")
    arguments = ["--pattern", "xz{theta_xz}_{energy_GeV}GeV.h5", "--truth", "truth_{theta_xz}.h5"]
    assert main([str(tmp_path), *arguments, "--plane", "V"]) == 0
    planes = {"U": (0, 48), "V": (48, 96), "W": (96, 160)}
    readout = Readout(planes, 160, None, (0, 480), ("deposplat",), 480)
    (image,) = read_sample(tmp_path, readout, ("loose_lf",), None)
    assert (image.plane, image.theta_xz, image.energy) == ("V", 80.0, 2000.0)
    assert image.source.pair.tru.name == "truth_80.h5"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--pattern", "*_xz{theta_xz}.root", "--plane", "V"], "no file fits the pattern"),
        (["--pattern", "*-xz{theta_xz}-*.h5"], "has no field {plane}. Add it, or give --plane V"),
        (["--pattern", "*-{plane}.h5"], "has no field {theta_xz}"),
        (["--pattern", "*{angle}*", "--plane", "V"], "has {angle}; expected some of {theta_xz}"),
        (
            ["--pattern", "*-xz{theta_xz}-rec-{plane}.h5", "--truth", "t_{theta_xz}.h5"],
            "its truth file",
        ),
    ],
)
def test_patterns_that_do_not_fit(
    angles: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    assert main([str(angles), *arguments]) == 1
    assert text in capsys.readouterr().err
    assert not (angles / "meta.json").exists()


def test_an_existing_meta_json_is_kept(angles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (angles / "meta.json").write_text("mine")
    assert main([str(angles), "--pattern", "*-xz{theta_xz}-*-{plane}.h5"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (angles / "meta.json").read_text() == "mine"


def test_numbers_are_taken_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a_xz-30_y2.root").write_text("")
    (tmp_path / "a_xzz_y2.root").write_text("")
    (match,) = NamePattern("*_xz{theta_xz}_y{theta_y}.root").find(tmp_path)
    assert match.fields == {"theta_xz": "-30", "theta_y": "2"}
    assert match.stars == ("a",)
