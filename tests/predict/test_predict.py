"""``python -m roilab.predict``: frame files out, equal to what evaluation uses, and mistakes."""

import gc
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from known_network import METADATA, AboveThreshold, fails
from known_tracks import pulse_frames
from roilab.detectors import Readout
from roilab.entry_point import config_dir
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.methods import dnn
from roilab.evaluate.sample import read_sample
from roilab.frames import FrameWriter, open_frames
from roilab.inference import Plane, PlaneReader, find_rois, network_spec, open_network
from roilab.predict import processes
from roilab.predict.jobs import Job, PredictError, find_frames, list_jobs
from roilab.predict.predictor import Predictor
from roilab.wirecell.torchscript import save_torchscript
from tiny_frames import PER_APA, START_NS, TICK_NS, TICKS

Run = Callable[..., None]
DETECTOR = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": TICKS}
READOUT = Readout.from_config({"detector": DETECTOR, "truth": ["deposplat"]})


@pytest.fixture
def run_predict(
    monkeypatch: pytest.MonkeyPatch, user_conf: Path, tmp_path: Path, model: Path
) -> Run:
    def run(*arguments: str, detector: str | None = "tiny") -> None:
        from roilab.predict.__main__ import main

        fixed = ["--config-dir", str(user_conf), f"output_dir={tmp_path / 'out'}"]
        fixed += [f"network={model}"] + ([f"detector={detector}"] if detector else [])
        monkeypatch.setattr(sys, "argv", ["roilab.predict", *fixed, *arguments])
        main()

    return run


def config(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        composed = compose("predict", ["network=none", "frames=none", *overrides])
    return OmegaConf.to_container(composed, resolve=True)  # type: ignore[return-value]


def write_frames(path: Path, events: list[int], apas: list[int], planes: slice) -> None:
    """Write frames with pulses in channels that differ from event to event and APA to APA."""
    with FrameWriter(path) as writer:
        for event in events:
            for apa in apas:
                hit = slice(10 + event + apa, 150 - event - apa)
                for tag, samples in pulse_frames(hit, 0).items():
                    ids = PER_APA * apa + np.arange(PER_APA)
                    rows = (samples[planes], ids[planes], START_NS, TICK_NS)
                    writer.add(event, f"{tag}{apa}", *rows)


def read(path: Path, event: int, apa: int, plane: str) -> Plane:
    with PlaneReader(path, None, READOUT) as reader:
        return reader.read(event, str(apa), plane)


def test_equals_evaluation(run_predict: Run, tracks_dir: Path, model: Path, tmp_path: Path) -> None:
    run_predict(f"frames={tracks_dir}")
    file, physics = open_network(str(model)), instantiate(config()["physics"])
    spec = network_spec(file, config()["network_spec"], {})
    network, method = file.network(spec, physics, "cpu"), dnn(physics, spec)
    evaluator = Evaluator([method], physics, READOUT, network)
    images = read_sample(tracks_dir, READOUT, evaluator.tags, None)
    assert len(images) == 3
    total = []
    for image in images:
        plane = evaluator.read(image)
        rois = method.find(plane, find_rois(network, plane).probability)
        saved = read(tmp_path / "out" / "g4-dnn-0.h5", plane.event, 1, "V").tags
        np.testing.assert_array_equal(saved["dnnsp"], rois.charge)
        np.testing.assert_array_equal(saved["dnnsp_mask"], rois.mask)
        np.testing.assert_array_equal(saved["dnnsp_probability"][:, ::10], rois.probability)
        total.append(saved["dnnsp"].sum())
    # 1, 3, 5, 3 and 1 ke minus the line through both ends, in the channels that are not dead.
    assert total == [48 * 8000, 24 * 8000, 3 * 8000]


@pytest.mark.parametrize("container", ["h5", "npz"])
@pytest.mark.parametrize("sparse", [False, True])
def test_all_events_apas_and_planes(
    run_predict: Run, model: Path, tmp_path: Path, container: str, sparse: bool
) -> None:
    frames = tmp_path / "g4-rec-7.tar"
    write_frames(frames, [3, 5], [0, 2], slice(None))
    settings = [f"container={container}", f"physics.roi_frames.sparse={sparse}"]
    run_predict(f"frames={frames}", "planes=[W,U]", *settings)
    output = tmp_path / "out" / f"g4-dnn-7.{container}"
    plain = config("planes=[U,W]") | {"network": str(model), "detector": DETECTOR}
    network = Predictor.from_config(plain).network
    for event in (3, 5):
        for apa in (0, 2):
            for name in ("U", "W"):
                expected = network(read(frames, event, apa, name))
                saved = read(output, event, apa, name).tags
                assert expected.charge is not None
                assert expected.charge.any()
                np.testing.assert_array_equal(saved["dnnsp"], expected.charge)
                np.testing.assert_array_equal(saved["dnnsp_mask"], expected.mask)
            hit = range(10 + event + apa, 150 - event - apa)
            u_and_w = [*range(48), *range(96, PER_APA)]
            rows = [row for row in u_and_w if not sparse or row in hit]
            with open_frames(output) as file:
                assert file.events == (3, 5)
                ids = file.info(event, f"dnnsp{apa}").channels - PER_APA * apa
            assert sorted(ids.tolist()) == rows  # no row of V, which was not predicted


def test_an_event_without_rois_stays_in_a_sparse_file(
    run_predict: Run, tracks_dir: Path, tmp_path: Path
) -> None:
    run_predict(
        *(f"frames={tracks_dir}", "physics.roi_frames.sparse=true", "container=tar"),
        *("network_spec.mask_thresh=0.7", "physics.roi_frames.probability=null"),
    )
    with open_frames(tmp_path / "out" / "g4-dnn-0.tar") as file:
        assert file.events == (0, 1, 2)
        assert file.tags(0) == ("dnnsp1", "dnnsp_mask1")
        assert file.info(0, "dnnsp1").channels.tolist() == []
    assert not read(tmp_path / "out" / "g4-dnn-0.tar", 1, 1, "V").tags["dnnsp"].any()


def test_a_finished_file_is_kept_and_a_half_one_made_again(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, output = tmp_path / "frames", tmp_path / "out" / "g4-dnn-0.h5"
    frames.mkdir()
    for number in range(2):
        shutil.copy(tracks_dir / "g4-rec-0.h5", frames / f"g4-rec-{number}.h5")
    run_predict(f"frames={frames}")
    assert "2 files with 6 events predicted" in capsys.readouterr().out
    made = output.stat().st_mtime_ns
    other = output.with_name("g4-dnn-1.h5")
    content = other.read_bytes()
    other.unlink()
    half = output.with_name(".g4-dnn-1.999.partial.h5")
    half.write_bytes(content[:100])
    run_predict(f"frames={frames}")
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 files with 3 events predicted" in shown
    assert "1 files were complete before" in shown
    assert output.stat().st_mtime_ns == made
    assert other.read_bytes() == content
    assert not half.exists()
    # Frames that are newer than their output: they were made again.
    later = output.stat().st_mtime + 10
    os.utime(frames / "g4-rec-0.h5", (later, later))
    run_predict(f"frames={frames}")
    assert "1 files with 3 events predicted" in capsys.readouterr().out
    assert sorted(p.name for p in output.parent.glob("[!.]*")) == [
        *("g4-dnn-0.h5", "g4-dnn-1.h5", "predictions.json")
    ]


def test_other_settings_need_another_folder(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_predict(f"frames={tracks_dir}")
    err = fails(run_predict, capsys, f"frames={tracks_dir}", "network_spec.mask_thresh=0.3")
    assert "out: holds predictions of other settings (node: stored" in err
    stored = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert (stored["planes"], stored["node"]["mask_thresh"]) == (["V"], 0.5)
    (tmp_path / "out" / "predictions.json").write_text("{")
    assert "predictions.json: is damaged" in fails(run_predict, capsys, f"frames={tracks_dir}")


def test_a_damaged_file_does_not_stop_the_others(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = (tracks_dir / "g4-rec-0.h5").read_bytes()
    for number, content in enumerate([good, good[: len(good) // 2], good]):
        (tmp_path / f"g4-rec-{number}.h5").write_bytes(content)
    err = fails(run_predict, capsys, f"frames={tmp_path}")
    assert f"1 of 3 files failed, each with the reason above: {tmp_path / 'g4-rec-1.h5'}." in err
    names = sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
    assert names == ["g4-dnn-0.h5", "g4-dnn-2.h5", "predictions.json"]
    # A single file: its own reason.
    err = fails(run_predict, capsys, f"frames={tmp_path / 'g4-rec-1.h5'}")
    assert "g4-rec-1.h5: cannot be opened as HDF5" in err


def test_several_processes(run_predict: Run, tracks_dir: Path, tmp_path: Path) -> None:
    """Takes seconds, because new processes import torch."""
    for number in range(3):
        shutil.copy(tracks_dir / "g4-rec-0.h5", tmp_path / f"g4-rec-{number}.h5")
    run_predict(f"frames={tmp_path}", "num_workers=2")
    run_predict(f"frames={tmp_path}", f"output_dir={tmp_path / 'one'}")
    for number in range(3):
        name = f"g4-dnn-{number}.h5"
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()


def test_a_process_that_is_killed(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = config("num_workers=2") | {"network": str(model), "detector": DETECTOR}
    jobs = [Job(tmp_path / f"{n}.h5", tmp_path / f"{n}-dnn.h5") for n in range(2)]
    monkeypatch.setattr(processes, "_start_worker", os._exit)  # at once, before torch is imported
    with pytest.raises(PredictError, match=r"ended from outside \(out of memory\?\).*num_workers"):
        list(processes.run_jobs(jobs, Predictor.from_config(plain), plain, lambda part: None))


def test_interrupted(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in range(2):
        shutil.copy(tracks_dir / "g4-rec-0.h5", tmp_path / f"g4-rec-{number}.h5")
    real = Predictor.__call__

    def stop_in_the_second(self: Predictor, job: Job, *rest: Any) -> Any:
        def stop(part: float) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        return real(self, job, *rest) if job.frames.stem.endswith("0") else real(self, job, stop)

    monkeypatch.setattr(Predictor, "__call__", stop_in_the_second)
    with pytest.raises(SystemExit) as ended:
        run_predict(f"frames={tmp_path}")
    assert ended.value.code == 143
    err = capsys.readouterr().err
    assert "interrupted by SIGTERM; 1 of 2 files are complete and kept. Run the same" in err
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == [
        *("g4-dnn-0.h5", "predictions.json")
    ]


def test_one_event_in_memory(model: Path, tmp_path: Path) -> None:
    write_frames(tmp_path / "g4-rec-0.h5", [1, 2, 3], [0, 1], slice(None))
    plain = config("planes=[U,V,W]") | {"network": str(model), "detector": DETECTOR}
    predictor = Predictor.from_config(plain)
    network, held = predictor.network.probability, []

    def planes() -> int:
        return sum(type(one) is Plane for one in gc.get_objects())

    before = planes()  # of the tests before

    def count(image: Any) -> Any:
        held.append(planes() - before)
        return network(image)

    object.__setattr__(predictor.network, "probability", count)
    predictor(Job(tmp_path / "g4-rec-0.h5", tmp_path / "g4-dnn-0.h5"))
    assert held == [1] * 18


def test_planes_that_a_file_lacks_are_left_out(
    run_predict: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_frames(tmp_path / "g4-rec-0.h5", [1], [1], slice(48, 96))  # V alone
    run_predict(f"frames={tmp_path}", "planes=[U,V]")
    out = capsys.readouterr().out
    assert "g4-rec-0.h5: not all events hold plane U, which is left out there." in out
    assert "AboveThreshold was trained on plane V and is applied to U." in out
    with open_frames(tmp_path / "out" / "g4-dnn-0.h5") as file:
        ids = file.info(1, "dnnsp1").channels
    assert (ids.min(), ids.max(), len(ids)) == (PER_APA + 48, PER_APA + 95, 48)


def test_detector_and_planes_from_the_metadata(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readout = {"detector": DETECTOR, "planes": ["V"], "truth": ["deposplat"]}
    save_torchscript(AboveThreshold(), tmp_path / "k.ts", METADATA | {"readout": readout})
    given = [f"network={tmp_path / 'k.ts'}", f"frames={tracks_dir}"]
    run = partial(run_predict, detector=None)
    run(*given)
    assert read(tmp_path / "out" / "g4-dnn-0.h5", 0, 1, "V").tags["dnnsp"].sum() == 48 * 8000
    save_torchscript(AboveThreshold(), tmp_path / "k.ts", METADATA)
    assert "k.ts: does not say for which detector it is" in fails(run, capsys, *given)


def test_without_metadata(
    run_predict: Run, tracks_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_torchscript(AboveThreshold(), tmp_path / "k.ts", {})
    given = [f"network={tmp_path / 'k.ts'}", f"frames={tracks_dir}"]
    assert "k.ts: has no layers and no rebin" in fails(run_predict, capsys, *given)
    given += ["network_spec.layers=[loose_lf,mp2_roi,mp3_roi]", "network_spec.rebin=10"]
    given += ["network_spec.input_scale=0.00025"]
    assert "does not say which planes it was trained on" in fails(run_predict, capsys, *given)
    run_predict(*given, "planes=[V]")
    assert read(tmp_path / "out" / "g4-dnn-0.h5", 0, 1, "V").tags["dnnsp"].sum() == 48 * 8000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["planes=[X]"], "X in the list: expected one of U, V, W"),
        (["container=root"], "container=root: expected one of h5, hdf5, npz"),
        (["num_workers=0"], "num_workers=0: expected a whole number of at least 1"),
        (["apas=[4]"], "hold nothing of plane V in APA 4 in the tags loose_lf, mp2_roi, mp3_roi"),
        (["network_spec.layers=[loose_lf,mp2_roi,mp9_roi]"], "has no tag 'mp9_roi1', a layer of"),
        (["frames=nowhere"], "frames=nowhere: there is no such file or folder, and no frame file"),
        (["frames=[]"], "frames=[]: expected a text, or a list of at least 1 value"),
        (["in_folder=x*"], "holds no frame file 'x*' (in_folder)"),
    ],
)
def test_mistakes(
    run_predict: Run,
    tracks_dir: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    assert words in " ".join(fails(run_predict, capsys, f"frames={tracks_dir}", *arguments).split())


def test_frames_without_deconvolved_charge(
    run_predict: Run, frames_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = f"frames={frames_dir / 'g4-rec-1.h5'}"
    err = fails(run_predict, capsys, given)
    assert "event 110 has no tag 'decon_charge1', so there is no charge in ROIs" in err
    out = f"output_dir={tmp_path / 'masks'}"
    run_predict(given, "physics.roi_frames.charge=null", out)
    with open_frames(tmp_path / "masks" / "g4-dnn-1.h5") as file:
        assert file.tags(110) == ("dnnsp_mask1", "dnnsp_probability1")


def names(folder: Path, found: list[Path]) -> list[str]:
    return [str(path.relative_to(folder)) for path in found]


def test_files_folders_patterns_and_lists(tmp_path: Path) -> None:
    rec = ["a/g4-rec-0.h5", "b/g4-rec-0.h5", "b/g4-rec-1.tar.gz"]
    for name in (*rec, "b/g4-tru-0.h5", "b/rec.txt", "b/.g4-rec-2.1.partial.h5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = find_frames([f"{tmp_path}/a", f"{tmp_path}/b/*rec*", f"{tmp_path}/a/*.h5"], "*rec*")
    assert names(tmp_path, found) == rec
    assert names(tmp_path, find_frames(f"{tmp_path}/**/*rec*", "none")) == rec
    jobs = list_jobs(found, tmp_path / "out", "npz")
    outputs = names(tmp_path / "out", [job.output for job in jobs])
    assert outputs == ["a/g4-dnn-0.npz", "b/g4-dnn-0.npz", "b/g4-dnn-1.npz"]
    # One folder: nothing below the output folder.
    (job,) = list_jobs(found[:1], tmp_path / "out", "h5")
    assert job.output == tmp_path / "out" / "g4-dnn-0.h5"


def test_outputs_never_replace_each_other_or_frames(tmp_path: Path) -> None:
    twice = [tmp_path / "rec-0.h5", tmp_path / "rec-0.npz"]
    with pytest.raises(PredictError, match=r"rec-0\.h5 and .*rec-0\.npz would both be written to"):
        list_jobs(twice, tmp_path / "out", "h5")
    beside = [tmp_path / "rec-0.h5", tmp_path / "dnn-0.h5"]
    with pytest.raises(PredictError, match=r"would replace .*dnn-0\.h5, which is one of the fram"):
        list_jobs(beside, tmp_path, "h5")


@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("g4-rec-0.h5", "g4-dnn-0.h5"),
        ("v-txz80-rec.tar.gz", "v-txz80-dnn.h5"),
        ("recorded-3.npz", "recorded-3-dnn.h5"),
    ],
)
def test_names_of_outputs(tmp_path: Path, name: str, output: str) -> None:
    assert list_jobs([tmp_path / name], tmp_path, "h5")[0].output.name == output


def test_tracks_of_the_full_toolkit(pdhd: Path, tmp_path: Path, model: Path) -> None:
    """All 6000 ticks of an event, against the steps that evaluation uses."""
    plain = config("detector=pdhd") | {"network": str(model)}
    predictor, frames = Predictor.from_config(plain), pdhd / "tracks" / "v-txz80-rec.h5"
    predictor(Job(frames, tmp_path / "out.h5"))
    physics, spec = instantiate(plain["physics"]), predictor.network.spec
    method = dnn(physics, spec)
    readout = replace(predictor.readout, truth=("deposplat",))
    evaluator = Evaluator([method], physics, readout, predictor.network)
    images = read_sample(pdhd / "tracks", readout, evaluator.tags, ["V"])
    plane = evaluator.read(next(image for image in images if image.source.pair.rec == frames))
    rois = method.find(plane, find_rois(predictor.network, plane).probability)
    assert rois.charge is not None
    assert rois.charge.any()
    with PlaneReader(tmp_path / "out.h5", None, predictor.readout) as reader:
        saved = reader.read(plane.event, "1", "V").tags["dnnsp"]
    np.testing.assert_array_equal(saved, rois.charge)
