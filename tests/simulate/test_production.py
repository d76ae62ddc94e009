import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roilab.cli import main
from roilab.folder_lock import LOCK_FILES
from roilab.frames import META_FILE, SIMULATION_FILE, open_frames
from roilab.interruption import interruptible
from roilab.simulate import SimulationError, make_sample
from roilab.simulate.chain import Simulation
from roilab.simulate.file_jobs import check_processes

TINY = (
    "simulation.events=3",
    "simulation.planes=[u,v,w]",
    "simulation.events_per_file=2",
    "detector.nticks=600",
    "simulation.tags=[loose_lf,gauss,decon_charge]",
    "simulation.generator.muons=[2,2]",
)


def read_frames(folder: Path) -> dict[tuple[int, str], Any]:
    found = {}
    for path in sorted(folder.glob("g4-*.h5")):
        with open_frames(path) as file:
            for event in file.events:
                for tag in file.tags(event):
                    found[event, tag] = file.read_rows(event, tag, slice(None))
    return found


@pytest.fixture(scope="module")
def config(composed: Any) -> dict[str, Any]:
    made: dict[str, Any] = composed("demo", *TINY)
    return made


@pytest.fixture(scope="module")
def folder(config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "made"
    make_sample(config, path, progress=False)
    return path


def test_files_hold_the_requested_frames(folder: Path, config: dict[str, Any]) -> None:
    names = {path.name for path in folder.iterdir()}
    pairs = {f"g4-{kind}-{number}.h5" for kind in ("rec", "tru") for number in (0, 1)}
    assert names == pairs | {SIMULATION_FILE, META_FILE, *LOCK_FILES}
    with open_frames(folder / "g4-rec-0.h5") as file:
        assert file.events == (0, 1)
        assert file.tags(0) == ("decon_charge0", "gauss0", "loose_lf0")
        info = file.info(0, "loose_lf0")
        assert info.n_columns == 600
        np.testing.assert_array_equal(info.channels, np.arange(808))
        charge = file.read_rows(0, "decon_charge0", slice(None))
        # Odd multiples of 50 electrons: a zero would end a region of interest.
        assert set(np.unique(np.abs(charge) % 100)) == {50}


def test_meta_holds_the_truth_of_every_event(folder: Path) -> None:
    meta = json.loads((folder / META_FILE).read_text())
    assert meta["common"]["first_channel"] == {"u": 0, "v": 300, "w": 600}
    assert [event["event"] for event in meta["events"]] == [0, 1, 2]
    assert meta["events"][2]["rec"] == "g4-rec-1.h5"
    assert {track["kind"] for track in meta["events"][0]["tracks"]} >= {"mu"}


def test_same_frames_from_two_processes(
    folder: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    make_sample(config, tmp_path / "two", processes=2, progress=False)
    ours, theirs = read_frames(folder), read_frames(tmp_path / "two")
    assert ours.keys() == theirs.keys()
    for key, samples in ours.items():
        np.testing.assert_array_equal(samples, theirs[key])


def test_events_differ_and_the_seed_matters(folder: Path, composed: Any, tmp_path: Path) -> None:
    made = read_frames(folder)
    assert (made[0, "deposplat0"] != made[1, "deposplat0"]).any()
    other = composed("demo", *TINY, "simulation.seed=2", "simulation.events=1")
    make_sample(other, tmp_path / "other", progress=False)
    assert (made[0, "loose_lf0"] != read_frames(tmp_path / "other")[0, "loose_lf0"]).any()


def test_only_missing_files_are_simulated_again(folder: Path, config: dict[str, Any]) -> None:
    before = (folder / "g4-rec-0.h5").stat().st_mtime_ns
    content = read_frames(folder)
    (folder / "g4-tru-1.h5").unlink()
    (folder / META_FILE).unlink()
    (folder / ".g4-rec-1.h5.1.partial").touch()
    make_sample(config, folder, progress=False)
    assert (folder / "g4-rec-0.h5").stat().st_mtime_ns == before
    assert {path.name for path in folder.glob(".*")} == set(LOCK_FILES)
    for key, samples in read_frames(folder).items():
        np.testing.assert_array_equal(samples, content[key])


def test_interrupted_run_leaves_no_incomplete_file(
    config: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = []
    simulate = Simulation.simulate_frames

    def simulate_until(self: Any, event: Any, index: int, *others: Any) -> Any:
        calls.append(index)
        if index == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return simulate(self, event, index, *others)

    monkeypatch.setattr(Simulation, "simulate_frames", simulate_until)
    with pytest.raises(SystemExit) as ended, interruptible():
        make_sample(config, tmp_path / "cut", progress=False)
    assert ended.value.code == 143
    assert "cut: 0 of 3 events are complete and kept" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "cut").iterdir()} == {SIMULATION_FILE, *LOCK_FILES}


def test_folder_with_other_files_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SimulationError, match=r"holds 1 other files \('thesis.tex'"):
        make_sample(config, tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_sample_of_another_configuration_is_refused(folder: Path, composed: Any) -> None:
    other = composed("demo", *TINY, "simulation.noise.white_adc=3")
    with pytest.raises(SimulationError, match=r"noise.white_adc: stored 2.33, requested 3"):
        make_sample(other, folder, progress=False)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("simulation.events=0", "events is 0"),
        ("simulation.tags=[noise]", "tags has noise: expected some of orig"),
        ("simulation.planes=[x]", "planes has x"),
        ("simulation.containers=[root]", "containers has root"),
        ("simulation.containers=[]", "containers has nothing"),
    ],
)
def test_invalid_samples_are_refused(
    composed: Any, tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises(SimulationError, match=words):
        make_sample(composed("demo", override), tmp_path / "none", progress=False)
    assert not (tmp_path / "none").exists()


def test_missing_stage_of_the_configuration_is_named(
    config: dict[str, Any], tmp_path: Path
) -> None:
    lacking = {name: value for name, value in config.items() if name != "noise"}
    with pytest.raises(SimulationError, match="has no 'noise'"):
        make_sample(lacking, tmp_path / "none", progress=False)


@pytest.mark.parametrize("processes", [0, 10_000])
def test_invalid_number_of_processes_is_refused(processes: int) -> None:
    with pytest.raises(SimulationError, match=f"processes={processes}: this machine offers"):
        check_processes(processes)


def test_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [f"output_dir={tmp_path / 'out'}", "simulation.events=1", "detector.nticks=600"]
    given += ["simulation.containers=[npz]", "simulation.planes=[v]"]
    monkeypatch.setattr("sys.argv", ["roilab"])
    assert main(["simulate", *given]) == 0
    with open_frames(tmp_path / "out" / "g4-tru-0.npz") as file:
        assert file.info(0, "deposplat0").channels[0] == 300
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *given, "processes=9999"])
    assert ended.value.code == 1
    err = capsys.readouterr().err
    assert "processes=9999: this machine offers" in err
    assert "Traceback" not in err


def test_archives_hold_the_summary_of_wiener(composed: Any, tmp_path: Path) -> None:
    given = [*TINY, "simulation.events=1", "simulation.containers=[npz]"]
    given += ["simulation.planes=[u,v]", "simulation.tags=[gauss,wiener]"]
    make_sample(composed("demo", *given), tmp_path / "made", progress=False)
    with np.load(tmp_path / "made" / "g4-rec-0.npz") as archive:
        names = [name for name in archive.files if name.startswith("summary")]
        assert names == ["summary_wiener0_0"]
        summary = archive[names[0]]
        assert (summary.shape, summary.dtype) == (archive["channels_wiener0_0"].shape, float)
    # Noise RMS of the tight low-frequency filter [electrons], the same on all channels.
    assert 100 < summary.min() < summary.max() < 1000
    with open_frames(tmp_path / "made" / "g4-rec-0.npz") as file:
        assert file.tags(0) == ("gauss0", "wiener0")
