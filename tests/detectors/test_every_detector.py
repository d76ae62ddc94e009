"""Every detector of conf/detector: simulated, trained on, evaluated and drawn, for a few ticks."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from omegaconf import OmegaConf

from composing import composed
from roilab.detectors.known import known_readouts
from roilab.detectors.locate import find_anode
from roilab.entry_point import config_dir
from roilab.frames import open_frames
from roilab.simulate import make_sample
from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions, GeneratedEvent, divide_line
from roilab.simulate.placement import compute_direction
from roilab.simulate.request import Request

DETECTORS = sorted(path.stem for path in (config_dir() / "detector").glob("*.yaml"))
# A coarse field calculation; no coincidence, for which all planes would be simulated.
COARSE = ["simulation.response.field.neighbours=2", "simulation.response.field.impacts=2"]
TAGS = "[loose_lf,gauss,decon_charge]"
TICKS = 400

# First channels of U, V and W, and one after the last, from the sources named in the YAML files.
CHANNELS = {
    ("pdhd", "1"): (2560, 3360, 4160, 5120),
    ("pdsp", "3"): (7680, 8480, 9280, 10240),
    ("dunehd", "11"): (28160, 28960, 29760, 30720),
    ("sbnd", "1"): (5638, 7622, 9606, 11276),
    ("uboone", "0"): (0, 2400, 4800, 8256),
    ("small", "0"): (0, 300, 600, 808),
    ("pdvd", "0"): (0, 952, 1904, 2488),
    ("pdvd", "1"): (476, 1428, 2488, 3072),
    ("pdvd", "3"): (3548, 4500, 5560, 6144),
    ("pdvd_top", "4"): (6144, 7096, 8048, 8632),
    ("icarus", "0"): (0, 2400, 8128, 13728),
    ("icarus", "1"): (13824, 16192, 21984, 27584),
    ("icarus", "2"): (27648, 30048, 35776, 41376),
    ("icarus", "3"): (41472, 43840, 49632, 55232),
}


def simulation(name: str, *overrides: str) -> dict[str, Any]:
    given = ["simulation=tracks", f"detector={name}", "output_dir=out", *overrides]
    config = OmegaConf.to_container(composed("simulate", given).simulation, resolve=True)
    assert isinstance(config, dict)
    return config  # type: ignore[return-value]


@pytest.mark.parametrize(("name", "apa"), CHANNELS, ids=str)
def test_channels_of_anodes(name: str, apa: str) -> None:
    u, v, w, end = CHANNELS[name, apa]
    anode = known_readouts()[name].anodes(apa)[0]
    starts = [anode.planes[plane][0] for plane in "UVW"]
    assert (*starts, anode.planes["W"][1]) == (u, v, w, end)
    found = find_anode(known_readouts()[name], np.array([v, w, end - 1]), apa, "")
    assert found.planes["V"][0] == v


@pytest.mark.parametrize("name", DETECTORS)
def test_simulated_channels_are_those_that_are_read(name: str) -> None:
    sim = Simulation.from_config(simulation(name))
    anode = known_readouts()[name].anodes(str(sim.detector.apa))[0]
    assert sim.detector.first_channels == tuple(low for low, _ in anode.planes.values())


@pytest.mark.parametrize("name", DETECTORS)
def test_charge_of_a_perpendicular_track_is_conserved(name: str) -> None:
    """On every plane, through response and deconvolution, without noise and attenuation.

    The digitiser has 16 bits: without noise, rounding to the counts of one of 12 bits would shift
    the baseline of weak induction signals.
    """
    quiet = ["simulation/noise=none", "detector.lifetime_ms=1e9", "detector.tick0_ns=0"]
    quiet += ["detector.electronics.adc_bits=16", "detector.nticks=900"]
    sim = Simulation.from_config(simulation(name, *quiet, *COARSE))
    low, high = sim.detector.corners
    x = sim.detector.wire_x_mm - sim.detector.drift_sign * 1.5 * sim.detector.response_plane_mm
    assert low[0] < x < high[0]
    for index, plane in enumerate("uvw"):
        path = 300.0 * compute_direction(sim.detector, plane, 0)
        start = (low + high - path) / 2
        start[0] = x
        position, step = divide_line(start, start + path, 1.0)
        event = GeneratedEvent(Depositions.at_time(position, 0.0, 5000.0 * step))
        frames, truth = sim.simulate(event, 0, 1, Request((index,), ("decon_charge",)))
        sums = truth[index].sum(axis=1)
        inner = np.flatnonzero(sums > 0.99 * sums.max())[2:-2]
        pitch = sim.detector.planes[index].pitch_mm
        assert len(inner) > 20
        assert sums[inner].mean() == pytest.approx(5000 * pitch, rel=2e-3)
        tick = int(truth[index][inner[0]].argmax())
        charge = frames[index]["decon_charge"][inner, tick - 40 : tick + 41]
        edge = 0.5 * (charge[:, :1] + charge[:, -1:])
        found = (charge - edge).sum(axis=1).mean()
        assert found == pytest.approx(sums[inner].mean(), rel=0.02), plane


@pytest.mark.parametrize("name", DETECTORS)
def test_train_evaluate_display(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_conf: Path
) -> None:
    """A step of training, an evaluation and a picture, of two short tracks in plane V."""
    sample = tmp_path / "sample"
    tracks = ["simulation.generator.theta_xz_deg=[30]", "simulation.generator.length_mm=100"]
    size = ["simulation.events=2", "simulation.events_per_file=2", f"detector.nticks={TICKS}"]
    frames = [f"simulation.tags={TAGS}", "simulation.planes=[v]"]
    make_sample(simulation(name, *COARSE, *tracks, *size, *frames), sample, progress=False)

    data = ["data=base", f"detector={name}", f"detector.nticks={TICKS}", "data.num_workers=0"]
    data += [f"data.dir={sample}", "data.layers=[loose_lf,gauss]", "data.cache=null"]
    checkpoint = train_one_step(tmp_path, monkeypatch, user_conf, data)

    out = tmp_path / "evaluation"
    arguments = [f"network={checkpoint}", f"sample={sample}", "study.rebin=[]"]
    run("evaluate", monkeypatch, *arguments, f"output_dir={out}")
    channels = known_readouts()[name].counts
    assert channels is not None
    rows = json.loads((out / "evaluation.json").read_text())
    assert rows

    picture(name, monkeypatch, tmp_path / "pictures", sample / "g4-rec-0.h5", checkpoint)


def train_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user_conf: Path, data: list[str]
) -> Path:
    """Train the tiny network for one step; return its checkpoint."""
    off = ("export", "event_pictures", "best_worst_events", "loss_curves", "progress_bar")
    run(
        "train",
        monkeypatch,
        *("--config-dir", str(user_conf), "model=tiny", "trainer=cpu", "logger=csv"),
        *data,
        *(f"callbacks.{name}=null" for name in off),
        *("model.mask_thresh=0.5", "data.val_fraction=0.5", "trainer.max_epochs=1"),
        *("trainer.precision=32-true", "report=false", f"output_dir={tmp_path / 'run'}"),
    )
    return next((tmp_path / "run" / "checkpoints").glob("last.ckpt"))


def picture(
    name: str, monkeypatch: pytest.MonkeyPatch, out: Path, rec: Path, checkpoint: Path
) -> None:
    """Draw the display of plane V."""
    given = [f"rec={rec}", f"network={checkpoint}", f"detector={name}", f"output_dir={out}"]
    run("display", monkeypatch, *given, "display.dpi=40", "display.pictures=[display]")
    assert list(out.glob("*.png"))


def run(verb: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command in this process."""
    from importlib import import_module

    main: Callable[[], None] = import_module(f"roilab.{verb}.__main__").main
    monkeypatch.setattr(sys, "argv", [f"roilab.{verb}", *arguments])
    main()


OTHERS = Path(__file__).parents[3] / "shared" / "other-detectors"


@pytest.mark.parametrize(("name", "apa", "channels"), [("sbnd", "1", 1984), ("uboone", "0", 2400)])
def test_frames_of_the_toolkit(
    name: str,
    apa: str,
    channels: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user_conf: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Inspect, a training step and a display of real-format frames of SBND and MicroBooNE."""
    rec = OTHERS / f"{name}-g4-rec-0.h5"
    if not rec.is_file():
        pytest.skip("no frames of other detectors in ../shared")
    from roilab.inspect.__main__ import main as inspect

    assert inspect(["--quick", str(rec)]) == 0
    assert f"loose_lf{apa}" in capsys.readouterr().out
    folder = tmp_path / "frames"  # the one event, for training and for validation
    folder.mkdir()
    for kind in ("rec", "tru"):
        for number in (0, 1):
            link = folder / f"g4-{kind}-{number}.h5"
            link.symlink_to(OTHERS / f"{name}-g4-{kind}-0.h5")
    data = ["data=base", f"detector={name}", f"data.dir={folder}", "data.num_workers=0"]
    data += ["data.cache=null"]
    with open_frames(rec) as frames:
        info = frames.info(frames.events[0], f"loose_lf{apa}")
    assert len(info.channels) == channels
    data += [f"data.tick_range=[{info.tbin},{info.tbin + 800}]"]
    checkpoint = train_one_step(tmp_path, monkeypatch, user_conf, data)
    picture(name, monkeypatch, tmp_path / "pictures", rec, checkpoint)
