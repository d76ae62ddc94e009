"""``python -m roilab.evaluate`` on frames whose numbers are known, and what goes wrong."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from known_network import METADATA, AboveThreshold, fails
from known_tracks import write_sample
from roilab.evaluate.run import data_config
from roilab.inference import NetworkFile
from roilab.metrics import clopper_pearson
from roilab.wirecell.torchscript import save_torchscript
from tiny_frames import write_pair

Run = Callable[..., None]
# 1, 3, 5, 3 and 1 ke minus the line through both ends is 0, 2, 4, 2 and 0.
THROUGH_NODE = 100 * (8 / 13 - 1)


@pytest.fixture
def run_evaluate(
    monkeypatch: pytest.MonkeyPatch, user_conf: Path, tmp_path: Path
) -> Callable[..., None]:
    def run(*arguments: str) -> None:
        from roilab.evaluate.__main__ import main

        fixed = ["--config-dir", str(user_conf), f"output_dir={tmp_path / 'out'}"]
        monkeypatch.setattr(sys, "argv", ["roilab.evaluate", *fixed, *arguments])
        main()

    return run


def table(path: Path) -> dict[tuple[Any, ...], dict[str, str]]:
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    return {(row["method"], float(row["theta_xz"])): row for row in rows}


def test_numbers_of_a_known_sample(
    run_evaluate: Run, model: Path, tracks_dir: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    scan = "scan=[0.05,0.2,0.7]"
    run_evaluate(f"network={model}", "data=tiny", f"sample={tracks_dir}", scan)
    rows = table(tmp_path / "out" / "table.csv")
    assert set(rows) == {(m, a) for m in ("dnn", "gauss", "ideal") for a in (0, 80)}
    for (method, angle), row in rows.items():
        bias = -50 if method == "gauss" else THROUGH_NODE
        assert float(row["bias"]) == pytest.approx(bias, rel=1e-5)
        assert float(row["resolution"]) == pytest.approx(0, abs=1e-4)
        part, valid = (24 / 96, 96) if angle == 0 else (1 / 4, 4)
        bounds = [100 * bound for bound in clopper_pearson(round(part * valid), valid)]
        assert float(row["inefficiency"]) == pytest.approx(100 * part)
        shown = [float(row[f"inefficiency_{side}"]) for side in ("low", "high")]
        assert shown == pytest.approx(bounds, rel=1e-5)
        assert row["charge_profile"] == ""
        assert (row["plane"], row["energy"], row["events"]) == ("V", "", str(2 if not angle else 1))
    # The network finds the one slice of every channel: 10 ticks, 5 of them true; all 5 true ones.
    dnn = rows["dnn", 80]
    assert float(dnn["pixel_purity"]) == 0.5
    assert float(dnn["pixel_efficiency"]) == float(dnn["roi_efficiency"]) == 1
    # Gauss has exactly the true ticks, but not in the dead channel.
    gauss = rows["gauss", 80]
    assert float(gauss["pixel_purity"]) == 1
    assert float(gauss["roi_efficiency"]) == 0.75
    assert (dnn["mask_thresh"], dnn["rebin"], gauss["rebin"]) == ("0.5", "10", "")
    scanned = list(csv.DictReader((tmp_path / "out" / "scan.csv").open()))
    lost = {
        float(r["mask_thresh"]): float(r["inefficiency"]) for r in scanned if "80" in r["theta_xz"]
    }
    # Everything is kept below 0.1: the whole channel is one run, open at the end, and so dropped,
    # but for zeros that split it.
    assert lost == {0.05: 25, 0.2: 25, 0.7: 100}
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert told["metadata"] == METADATA
    assert len(told["table"]) == 6
    assert told["scan"][-1]["bias"] is None
    # At 80 degrees there is one track in one block of channels, so its bias has no error.
    verdict = told["verdict"]
    assert verdict["kind"] == "better"
    assert verdict["sentence"].startswith(
        "Better than gauss at 0 degrees (bias -38 % against -50 %), equal within errors at 80 "
        "degrees. ROI purity"
    )
    assert f"verdict    better. {verdict['sentence']}" in capsys.readouterr().out
    figures = {path.stem for path in (tmp_path / "out" / "figures").iterdir()}
    kinds = ("bias", "resolution", "inefficiency", "rois", "scan")
    assert figures == {f"{kind}-{tracks_dir.name}-V" for kind in kinds}


def test_showers_have_a_profile(run_evaluate: Run, tmp_path: Path) -> None:
    shower = {"tracks": [{"kind": "shower", "E_MeV": 500}], "theta_xz": 20}
    write_sample(tmp_path, [{"channels": slice(50, 90), "dead": 20, **shower}])
    run_evaluate("data=tiny", f"sample={tmp_path}", "scan=[]", "physics.profile_wires=25")
    rows = table(tmp_path / "out" / "table.csv")
    assert set(rows) == {("gauss", 20), ("ideal", 20)}
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["verdict"] is None
    # A flat shower counts as running up: 20 dead wires, then 5 with half of their charge.
    assert float(rows["gauss", 20]["charge_profile"]) == pytest.approx(10)
    assert rows["gauss", 20]["energy"] == "500"
    assert (tmp_path / "out" / "figures" / f"charge_profile-{tmp_path.name}-V-500MeV.png").is_file()


def test_study(run_evaluate: Run, tracks_dir: Path, tmp_path: Path) -> None:
    run_evaluate(
        *("data=tiny", f"sample={tracks_dir}", "study.rebin=[10,5]", "study.pad=[0,1]"),
        *("study.threshold=[100,1500]", "study.widen=[false,true]"),
    )
    with (tmp_path / "out" / "study.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    # Of 2 x 2 x 2 x 2 x 2 combinations those without padding have no wider window.
    assert len(rows) == 2 * (32 - 8)
    assert all(row["method"] == "ideal" for row in rows)
    # The mean of all ten ticks is 1300 e, below the second threshold. Of the two halves one is
    # above, but 1, 3 and 5 ke are a straight line, which is all taken for baseline.
    lost = {
        (row["rebin"], row["threshold"]): float(row["inefficiency"])
        for row in rows
        if row["theta_xz"] == "80" and row["pad"] == "0"
    }
    assert lost == {("10", "100"): 25, ("10", "1500"): 100, ("5", "100"): 25, ("5", "1500"): 100}
    assert list((tmp_path / "out" / "figures").glob("padding-*.png"))


def test_networks_of_several_paddings_in_one_study(
    run_evaluate: Run, model: Path, tracks_dir: Path, tmp_path: Path
) -> None:
    padded = tmp_path / "padded.ts"
    save_torchscript(AboveThreshold(), padded, METADATA | {"pad": 1})
    run_evaluate(
        *("data=tiny", f"sample={tracks_dir}", f"study.network=[{model},{padded}]"),
        "physics.margin=0",
    )
    with (tmp_path / "out" / "study.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["theta_xz"] == "0"]
    told = [(row["method"], row["pad"], row["window_widened"]) for row in rows]
    assert told == [("dnn", "0", "False"), ("dnn", "1", "False"), ("dnn", "1", "True")]
    # The same network three times, and all charge lies in the narrow window.
    assert [float(row["bias"]) for row in rows] == pytest.approx([THROUGH_NODE] * 3, abs=1e-3)
    assert list((tmp_path / "out" / "figures").glob("padding-*.png"))


def test_mask_threshold_is_chosen_on_validation_events(
    run_evaluate: Run, model: Path, tracks_dir: Path, frames_dir: Path, tmp_path: Path
) -> None:
    run_evaluate(
        *(f"network={model}", "data=tiny", f"data.dir={frames_dir}", "data.cache=null"),
        *("data.val_files=[g4-rec-1.h5]", f"sample={tracks_dir}"),
        *("network_spec.mask_thresh=choose", "working_point.scan=[0.05,0.3,0.9]"),
        *("working_point.by=dice", "working_point.min_roi_purity=0", "scan=[0.5]"),
    )
    with (tmp_path / "out" / "validation.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["mask_thresh"], row["images"]) for row in rows] == [
        (t, "2") for t in ("0.05", "0.3", "0.9")
    ]
    dice = [float(row["dice"] or 0) for row in rows]
    assert dice[1] == max(dice)
    assert table(tmp_path / "out" / "table.csv")["dnn", 0]["mask_thresh"] == "0.3"
    with (tmp_path / "out" / "scan.csv").open() as stream:
        assert {row["mask_thresh"] for row in csv.DictReader(stream)} == {"0.5"}


def test_foreign_torchscript_and_plane(
    run_evaluate: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = tmp_path / "bare.ts"
    save_torchscript(AboveThreshold(), bare, {})
    arguments = [f"network={bare}", "data=tiny", f"sample={tracks_dir}", "scan=[]"]
    err = fails(run_evaluate, capsys, *arguments)
    assert "bare.ts: has no layers and no rebin" in err
    assert "layers=[loose_lf,mp2_roi,mp3_roi] network_spec.rebin=10" in err
    run_evaluate(*arguments, "network_spec.layers=[loose_lf]", "network_spec.rebin=10")
    row = table(tmp_path / "out" / "table.csv")["dnn", 0]
    assert float(row["bias"]) == pytest.approx(THROUGH_NODE, rel=1e-5)

    save_torchscript(AboveThreshold(), bare, {**METADATA, "planes": ["U"]})
    run_evaluate(*arguments)
    assert "was trained on plane U, not on V" in capsys.readouterr().err


BAD = [
    ("data", "is no checkpoint, so the data config is not known; choose one"),
    ("sample=nowhere", "sample=nowhere: expected a folder that exists"),
    ("planes=[U]", "planes=['U']: no event of the samples is on these"),
    ("physics.gauss=none", "has no tag 'none1'"),
    ("data.truth=[none]", "has no tag 'none1'"),
    ("physics.window=x", "physics.window=x: expected one of truth, channel."),
    ("physics.charge.min_truth=1e9", "no channel of 3 images is valid"),
    ("physics.node.tick_pad_multiple=7", "tick_pad_multiple=7 is no multiple"),
    ("network_spec.mask_thresh=choose", "needs validation events; give data.dir"),
    ("network=nowhere.ts", "network=nowhere.ts: expected a file or folder that exists"),
    ("network=nowhere.ckpt", "network=nowhere.ckpt: expected a file or folder that exists"),
]


@pytest.mark.parametrize(("override", "text"), BAD, ids=[override for override, _ in BAD])
def test_mistakes_are_told_in_a_sentence(
    run_evaluate: Run,
    model: Path,
    tracks_dir: Path,
    capsys: pytest.CaptureFixture[str],
    override: str,
    text: str,
) -> None:
    arguments = ["data=tiny", "data.dir=null", f"network={model}", f"sample={tracks_dir}"]
    key = override.split("=", maxsplit=1)[0]
    if key == "data":
        arguments = arguments[2:]
    arguments = [a for a in arguments if not a.startswith(f"{key}=")]
    arguments += [override] if "=" in override else []
    assert text in fails(run_evaluate, capsys, *arguments)


def spoilt(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """A sample with its first event changed."""
    write_sample(folder, [{"theta_xz": 0, "channels": slice(48, 96), "dead": 0}])
    path = folder / "meta.json"
    meta = json.loads(path.read_text())
    change(meta["events"][0])
    path.write_text(json.dumps(meta))


SPOILT: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("angle", lambda event: event.pop("theta_xz"), "event 0 has no theta_xz"),
    ("plane", lambda event: event.update(plane="x"), "plane 'x' is none of U, V, W"),
    ("truth", lambda event: event.update(tru="none.h5"), "event 0 needs one truth file; got"),
    ("event", lambda event: event.update(event=5), "names event 5 of g4-rec-0.h5, which holds [0]"),
    ("energy", lambda event: event.update(tracks=[{"kind": "shower"}]), "has no E_MeV"),
]


@pytest.mark.parametrize(("change", "text"), [s[1:] for s in SPOILT], ids=[s[0] for s in SPOILT])
def test_spoilt_samples(
    run_evaluate: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
    text: str,
) -> None:
    spoilt(tmp_path, change)
    assert text in fails(run_evaluate, capsys, "data=tiny", f"sample={tmp_path}")


def test_other_spoilt_folders(
    run_evaluate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path, 0, [0])
    write_pair(tmp_path, 1, [0])
    (tmp_path / "meta.json").write_text("{")
    arguments = ("data=tiny", f"sample={tmp_path}")
    assert "cannot be read" in fails(run_evaluate, capsys, *arguments)
    (tmp_path / "meta.json").write_text('{"events": []}')
    assert "names no event" in fails(run_evaluate, capsys, *arguments)
    event = {"event": 0, "plane": "V", "theta_xz": 0}
    (tmp_path / "meta.json").write_text(json.dumps({"events": [event]}))
    assert "needs one reconstruction file; got" in fails(run_evaluate, capsys, *arguments)


def test_an_image_without_valid_channel_is_told(
    run_evaluate: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"theta_xz": 0, "channels": slice(50, 50), "dead": 0}
    write_sample(tmp_path, [nothing, {"theta_xz": 10, "channels": slice(50, 60), "dead": 0}])
    run_evaluate("data=tiny", f"sample={tmp_path}")
    assert (
        "no channel has a truth charge above 5000 e (the highest: 0 e)" in capsys.readouterr().err
    )
    rows = table(tmp_path / "out" / "table.csv")
    assert rows["ideal", 0]["bias"] == rows["ideal", 0]["inefficiency"] == ""
    assert rows["ideal", 10]["inefficiency"] == "0"


def test_a_named_detector_replaces_the_checkpoints() -> None:
    file = NetworkFile(Path("a.ckpt"), None, {}, {"detector": "old", "rebin": 10})
    assert data_config({"detector": "new"}, file) == {"detector": "new", "rebin": 10}
    assert data_config({}, file) == file.data
    assert data_config({"data": {"rebin": 4}, "detector": "new"}, file) == {"rebin": 4}
