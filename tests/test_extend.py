"""The files and commands of docs/extend.md, in an empty folder, on tiny data."""

import json
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from roilab.cli import main
from roilab.frames import open_frames
from test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs" / "extend.md").read_text()
FILE = re.compile(r"^`([\w/.]+)`:\n\n```(?:python|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINES = "".join(text for language, text in BLOCK.findall(PAGE) if not language).splitlines()
COMMANDS = [shlex.split(line) for line in LINES if "roilab " in line]
SMALL = [
    *("trainer=cpu", "trainer.max_epochs=1", "trainer.precision=32-true", "logger=csv"),
    *("callbacks.progress_bar=null", "callbacks.event_pictures=null", "data.num_workers=0"),
    *("callbacks.best_worst_events=null", "callbacks.loss_curves=null", "report=false"),
]
REST = {"train": SMALL, "export": [], "evaluate": ["scan=[]", "device=cpu"]}


def to_folders(source: Path, folder: Path) -> None:
    """Convert pairs of frame files and their meta.json to folders of the example's format."""
    for path in source.glob("*.h5"):
        kind, number = re.fullmatch(r".*(rec|tru).*?(\d*)", path.stem).groups()  # type: ignore[union-attr]
        target = folder / f"{kind}-{number or 0}"
        target.mkdir(parents=True)
        with open_frames(path) as frames:
            for event in frames.events:
                for tag in frames.tags(event):
                    samples = frames.read_rows(event, tag, slice(None))
                    np.save(target / f"{event}_{tag}.npy", samples)
    if (source / "meta.json").is_file():
        meta = json.loads((source / "meta.json").read_text())
        events = [{**event, "rec": "rec-0", "tru": "tru-0"} for event in meta["events"]]
        (folder / "meta.json").write_text(json.dumps({"events": events}))


@pytest.fixture
def folder(
    tmp_path: Path, frames_dir: Path, tracks_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Folder with the files of the page and data; the current folder."""
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    to_folders(frames_dir, tmp_path / "frames")
    to_folders(tracks_dir, tmp_path / "tracks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["roilab"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "mypackage"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_the_commands_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three commands, so this takes some seconds."""
    assert [words[:2] for words in COMMANDS] == [["roilab", verb] for verb in REST]
    for _, verb, *words in COMMANDS:
        assert main([verb, *words, *REST[verb]]) == 0
    run = folder / "outputs" / "mine"
    assert float((run / "largest_weight.txt").read_text()) > 0
    assert (run / "model.ts").is_file()
    exported = json.loads((folder / "outputs" / "delivery" / "model.json").read_text())
    assert exported["network"] == "MyNet"
    assert exported["export"]["form"] == "bands"
    text = (run / "train.log").read_text()
    assert "images from frames: 4 train, 1 val" in text
    rows = json.loads((folder / "outputs" / "tracks" / "evaluation.json").read_text())["table"]
    assert {row["method"] for row in rows} > {"gauss"}
    inspect = next(line for line in PAGE.splitlines() if line.startswith("`roilab inspect"))
    assert main(shlex.split(inspect.split("`")[1])[1:]) == 0
    assert "loose_lf1" in capsys.readouterr().out


def test_the_network_of_three_parts_is_computed_in_bands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [w if not w.startswith("model=") else "model=mytiled" for w in COMMANDS[0][2:]]
    assert main(["train", "--dry-run", *words, *SMALL]) == 0
    assert "in bands of channels" in capsys.readouterr().out
    assert not (folder / "outputs").exists()


def test_an_installed_package_has_priority_over_the_current_folder(folder: Path) -> None:
    main([])
    assert (
        main(["inspect", "--quick", "--reader", "mypackage.myreader.NpyFolder", "frames/rec-0"])
        == 0
    )
    assert sys.path[-1] == str(folder)
