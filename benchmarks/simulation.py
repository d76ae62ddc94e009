"""Compare the simulation with frames of the full toolkit, and measure its time and memory.

``python benchmarks/simulation.py $PDHD --cosmic 4`` simulates the same tracks as in
``$PDHD/tracks`` (from its ``meta.json``) and cosmic events like those of ``$PDHD/cosmic``.
``--pictures FOLDER`` draws the figures of docs/simulation.md.
"""

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray
from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from roilab.atomic_write import save_figure
from roilab.detectors.detector import PLANE_NAMES
from roilab.entry_point import config_dir
from roilab.frames import match_events, open_frames
from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions, GeneratedEvent, divide_line
from roilab.simulate.placement import compute_direction
from roilab.simulate.response import compute_waveforms

Frames = dict[str, NDArray[Any]]
MARGIN = 20  # ticks around the truth charge in which charge is summed
CURVE_DEG = (0, 40, 60, 70, 75, 80, 85)


def compose_simulation(sample: str) -> Simulation:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("simulate", [f"simulation={sample}"]).simulation
    return Simulation.from_config(OmegaConf.to_container(config, resolve=True))


def read_meta(folder: Path) -> list[dict[str, Any]]:
    """Read the entries of the events in ``meta.json``."""
    events: list[dict[str, Any]] = json.loads((folder / "meta.json").read_text())["events"]
    return events


def read_toolkit(folder: Path, event: dict[str, Any], plane: str, detector: Any) -> Frames:
    """Read reconstruction and truth of one plane of a toolkit event, by tag without APA number."""
    index = PLANE_NAMES.index(plane)
    first, count = detector.first_channels[index], detector.planes[index].channels
    frames = {}
    with open_frames(folder / event["rec"]) as rec, open_frames(folder / event["tru"]) as tru:
        other = dict(match_events(rec, tru))[event["event"]]
        for file, number in ((rec, event["event"]), (tru, other)):
            for tag in file.tags(number):
                channels = file.info(number, tag).channels
                rows = np.flatnonzero((channels >= first) & (channels < first + count))
                if len(rows) == count:
                    samples = file.read_rows(number, tag, slice(None))
                    frames[tag.rstrip("0123456789")] = samples[rows]
    return frames


def make_track(track: dict[str, Any], electrons_per_mm: float) -> GeneratedEvent:
    """Make an ideal track with the start, end and time of an entry of ``meta.json``."""
    position, step = divide_line(track["start"], track["end"], 1.0)
    depositions = Depositions.at_time(position, track["t0"], electrons_per_mm * step)
    return GeneratedEvent(depositions, [track])


def simulate_plane(event: GeneratedEvent, sim: Simulation, plane: str, seed: int) -> Frames:
    planes, truth = sim.simulate(event, 0, seed)
    index = PLANE_NAMES.index(plane)
    return planes[index] | {"deposplat": truth[index]}


def measure_charge(frames: Frames) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Return truth and gauss charge of the track's inner channels, and the truth's median peak."""
    truth = frames["deposplat"]
    rows = np.flatnonzero(truth.sum(axis=1) > 5000)[3:-3]
    inside = np.zeros(truth.shape, dtype=bool)
    for row in rows:
        ticks = np.flatnonzero(truth[row] > 0.5)
        inside[row, max(ticks[0] - MARGIN, 0) : ticks[-1] + MARGIN + 1] = True
    charge = [np.where(inside, frames[tag], 0).sum(axis=1)[rows] for tag in ("deposplat", "gauss")]
    return charge[0], charge[1], float(np.median(truth[rows].max(axis=1)))


def measure_track(frames: Frames) -> dict[str, tuple[float, str]]:
    """Measure one plane with a track: value and format by name."""
    truth, gauss, peak = measure_charge(frames)
    quiet = frames["deposplat"].max(axis=1) < 1
    return {
        "truth charge per channel [e]": (truth.mean(), "{:.0f}"),
        "truth peak per tick [e]": (peak, "{:.0f}"),
        "gauss over truth": (gauss.sum() / truth.sum(), "{:.3f}"),
        "gauss inefficiency [%]": (100 * (gauss == 0).mean(), "{:.1f}"),
        "mp2_roi pixels [%]": (100 * (frames["mp2_roi"] > 0).mean(), "{:.2f}"),
        "mp3_roi pixels [%]": (100 * (frames["mp3_roi"] > 0).mean(), "{:.2f}"),
        "loose_lf RMS off signal [e]": (
            float(np.sqrt((frames["loose_lf"][quiet] ** 2).mean())),
            "{:.0f}",
        ),
    }


def add_track_rows(folder: Path, sim: Simulation, table: Table) -> None:
    for event in read_meta(folder):
        plane, track = event["plane"], event["tracks"][0]
        toolkit = measure_track(read_toolkit(folder, event, plane, sim.detector))
        simulated = make_track(track, track["e_per_mm"])
        roilab = measure_track(simulate_plane(simulated, sim, plane, seed=1))
        for name, (value, form) in toolkit.items():
            title = f"{plane.upper()} track at {event['theta_xz']} deg: {name}"
            add_row(table, title, value, roilab[name][0], form)


def add_row(table: Table, name: str, toolkit: float, roilab: float, form: str) -> None:
    ratio = roilab / toolkit if toolkit else float("nan")
    table.add_row(name, form.format(toolkit), form.format(roilab), f"{ratio:.2f}")


def measure_cosmic(frames: Frames) -> dict[str, float]:
    """Measure one plane of a cosmic event: value by name."""
    truth, ticks = frames["deposplat"], frames["deposplat"].shape[1]
    rebinned = truth.reshape(len(truth), ticks // 10, 10).mean(axis=2)
    off = frames["loose_lf"][:, 300:-300][truth[:, 300:-300] == 0]
    tags = ("mp2_roi", "mp3_roi", "gauss")
    return {
        "truth pixels above 100 e, rebin 10 [%]": 100 * float((rebinned > 100).mean()),
        **{f"{tag} pixels [%]": 100 * float((frames[tag] > 0).mean()) for tag in tags},
        "loose_lf width off signal [e]": float(np.median(np.abs(off)) * 1.4826),
        "gauss over truth": float(frames["gauss"][truth > 0].sum() / truth.sum()),
    }


def add_cosmic_rows(folder: Path, sim: Simulation, events: int, table: Table) -> None:
    toolkit: dict[str, list[dict[str, float]]] = {"u": [], "v": []}
    roilab: dict[str, list[dict[str, float]]] = {"u": [], "v": []}
    for event in read_meta(folder):
        for plane, measured in toolkit.items():
            frames = read_toolkit(folder, event, plane, sim.detector)
            if "deposplat" in frames:
                measured.append(measure_cosmic(frames))
    for index in range(events):
        planes, truth = sim.simulate(sim.generate(index, 1), index, 1)
        for number, measured in enumerate(roilab.values()):
            measured.append(measure_cosmic(planes[number] | {"deposplat": truth[number]}))
    for plane in toolkit:
        for name in roilab[plane][0]:
            means = [np.mean([m[name] for m in by[plane]]) for by in (toolkit, roilab)]
            add_row(table, f"cosmic {plane.upper()}: {name}", *map(float, means), "{:.2f}")


def measure_cost(sim: Simulation) -> str:
    compute_waveforms(sim.response, sim.detector.tick_ns)  # once a process, for all events
    began = time.process_time()
    sim.simulate(sim.generate(0, 1), 0, 1)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return f"one cosmic event: {seconds:.1f} s of one core; peak memory {peak:.0f} MB"


def simulate_curve(sim: Simulation, plane: str) -> list[tuple[float, float, float]]:
    """Return angle, gauss over truth and inefficiency [%] of tracks of 2 m."""
    points = []
    low, high = sim.detector.corners
    for theta in CURVE_DEG:
        path = 2000.0 * compute_direction(sim.detector, plane, theta)
        start = (low + high - path) / 2
        start[0] = 600.0
        track = {"start": start.tolist(), "end": (start + path).tolist(), "t0": 2e5}
        frames = simulate_plane(make_track(track, 5000.0), sim, plane, seed=theta)
        truth, gauss, _ = measure_charge(frames)
        points.append((theta, gauss.sum() / truth.sum(), 100 * float((gauss == 0).mean())))
    return points


def draw_angles(folder: Path, sim: Simulation) -> Any:
    """Draw gauss charge and inefficiency against the angle."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for plane, colour in (("u", "tab:green"), ("v", "tab:blue")):
        points = []
        for event in (e for e in read_meta(folder) if e["plane"] == plane):
            truth, gauss, _ = measure_charge(read_toolkit(folder, event, plane, sim.detector))
            lost = 100 * float((gauss == 0).mean())
            points.append((event["theta_xz"], gauss.sum() / truth.sum(), lost))
        roilab, toolkit = np.array(simulate_curve(sim, plane)), np.array(points)
        for axis, column in zip(axes, (1, 2), strict=True):
            for form, who, values in (("o-", "roilab", roilab), ("s", "toolkit", toolkit)):
                style = {"color": colour, "ms": 5, "mfc": colour if who == "roilab" else "none"}
                label = f"{plane.upper()} {who}"
                axis.plot(values[:, 0], values[:, column], form, label=label, **style)
    for axis, label in zip(axes, ("gauss over truth", "gauss inefficiency [%]"), strict=True):
        axis.set(xlabel=r"$\theta_{xz}$ [deg]", ylabel=label)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    return figure


def draw_frames(
    rows: list[tuple[str, Frames]], tags: tuple[str, ...], extent: Any, top: float
) -> Any:
    """Draw frames side by side: a row for each simulation, a column for each tag."""
    import matplotlib.pyplot as plt

    size = (2.2 * len(tags) + 1, 5.4)
    figure, grid = plt.subplots(
        len(rows), len(tags), figsize=size, layout="constrained", sharex=True, sharey=True
    )
    style = {"aspect": "auto", "origin": "lower", "cmap": "RdBu_r", "interpolation": "none"}
    for axes, (who, frames) in zip(grid, rows, strict=True):
        for axis, tag in zip(axes, tags, strict=True):
            axis.imshow(frames[tag].T, vmin=-top, vmax=top, extent=extent, **style)
            axis.set_title(f"{who}: {tag}", fontsize=9)
    grid[-1, 0].set(xlabel="V channel", ylabel="tick")
    return figure


def draw_track(folder: Path, sim: Simulation) -> Any:
    """Draw the region of one track in five frames."""
    event = next(e for e in read_meta(folder) if e["plane"] == "v" and e["theta_xz"] == 60)
    toolkit = read_toolkit(folder, event, "v", sim.detector)
    roilab = simulate_plane(make_track(event["tracks"][0], 5000.0), sim, "v", seed=1)
    charge = np.argwhere(toolkit["deposplat"] > 100)
    (row, tick), (last_row, last_tick) = charge.min(axis=0), charge.max(axis=0)
    region = np.s_[row - 15 : last_row + 15, tick - 150 : last_tick + 150]
    tags = ("deposplat", "loose_lf", "gauss", "mp2_roi", "mp3_roi")
    rows = [
        (who, {tag: frames[tag][region] for tag in tags})
        for who, frames in (("toolkit", toolkit), ("roilab", roilab))
    ]
    return draw_frames(rows, tags, (row - 15, last_row + 15, tick - 150, last_tick + 150), 2000)


def draw_cosmic(folder: Path, sim: Simulation) -> Any:
    """Draw the V plane of one cosmic event of each simulation."""
    planes, truth = sim.simulate(sim.generate(3, 1), 3, 1)
    toolkit = read_toolkit(folder, read_meta(folder)[0], "v", sim.detector)
    roilab = planes[1] | {"deposplat": truth[1]}
    tags = ("deposplat", "loose_lf", "gauss")
    rows = [
        (who, {tag: frames[tag].reshape(400, 2, 600, 10).mean(axis=(1, 3)) for tag in tags})
        for who, frames in (("toolkit", toolkit), ("roilab", roilab))
    ]
    return draw_frames(rows, tags, (0, 800, 0, 6000), 1500)


def save_figures(pdhd: Path, sim: Simulation, folder: Path) -> None:
    for name, draw, sample in (
        ("track", draw_track, "tracks"),
        ("cosmic", draw_cosmic, "cosmic"),
        ("angles", draw_angles, "tracks"),
    ):
        save_figure(folder / f"simulation_{name}.png", draw(pdhd / sample, sim), dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdhd", type=Path, help="folder with tracks/ and cosmic/ of the toolkit")
    parser.add_argument("--cosmic", type=int, default=4, help="cosmic events to simulate")
    parser.add_argument("--pictures", type=Path, help="draw the figures into this folder")
    arguments = parser.parse_args()
    console = Console(width=110, markup=False)  # markup would hide "[e]"
    sim = compose_simulation("cosmic")
    table = Table("quantity", "toolkit", "roilab", "ratio")
    add_track_rows(arguments.pdhd / "tracks", sim, table)
    add_cosmic_rows(arguments.pdhd / "cosmic", sim, arguments.cosmic, table)
    console.print(table)
    console.print(measure_cost(sim))
    if arguments.pictures:
        save_figures(arguments.pdhd, sim, arguments.pictures)


if __name__ == "__main__":
    main()
