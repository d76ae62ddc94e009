"""Compare the simulation with frames of the full toolkit, side by side; time and memory too.

``python benchmarks/simulation.py $PDHD --cosmic 4`` simulates the very tracks of ``$PDHD/tracks``
(their ``meta.json`` tells where they are) and cosmic events like those of ``$PDHD/cosmic``.
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

from roilab.detectors.detector import PLANE_NAMES
from roilab.entry_point import config_dir
from roilab.frames import match_events, open_frames
from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions, Event, line
from roilab.simulate.placement import direction_at

Frames = dict[str, NDArray[Any]]
MARGIN = 20
CURVE_DEG = (0, 40, 60, 70, 75, 80, 85)


def simulation(sample: str) -> Simulation:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("simulate", [f"simulation={sample}"]).simulation
    return Simulation.from_config(OmegaConf.to_container(config, resolve=True))


def toolkit(folder: Path, event: dict[str, Any], plane: str, detector: Any) -> Frames:
    """Frames of one plane of a toolkit event, truth included, by tag without APA number."""
    index = PLANE_NAMES.index(plane)
    first, count = detector.first_channels[index], detector.planes[index].channels
    frames = {}
    with open_frames(folder / event["rec"]) as rec, open_frames(folder / event["tru"]) as tru:
        other = dict(match_events(rec, tru))[event["event"]]
        for file, number in ((rec, event["event"]), (tru, other)):
            for tag in file.tags(number):
                channels = file.info(number, tag).channels
                kept = np.flatnonzero((channels >= first) & (channels < first + count))
                if len(kept) == count:
                    frames[tag.rstrip("0123456789")] = file.read_rows(number, tag, slice(None))[
                        kept
                    ]
    return frames


def straight(track: dict[str, Any], electrons_per_mm: float) -> Event:
    position, step = line(track["start"], track["end"], 1.0)
    steps = len(position)
    charge = np.full(steps, electrons_per_mm * step)
    return Event(Depositions(position, np.full(steps, track["t0"]), charge), [track], {})


def simulated(event: Event, sim: Simulation, plane: str, seed: int) -> Frames:
    planes, truth = sim.frames(event, 0, seed)
    index = PLANE_NAMES.index(plane)
    return planes[index] | {"deposplat": truth[index]}


def windowed(frames: Frames) -> tuple[NDArray[Any], NDArray[Any], float]:
    """Truth and gauss charge of the track's inner channels, and the truth's median peak."""
    truth = frames["deposplat"]
    rows = np.flatnonzero(truth.sum(axis=1) > 5000)[3:-3]
    inside = np.zeros(truth.shape, dtype=bool)
    for row in rows:
        ticks = np.flatnonzero(truth[row] > 0.5)
        inside[row, max(ticks[0] - MARGIN, 0) : ticks[-1] + MARGIN + 1] = True
    charge = [np.where(inside, frames[tag], 0).sum(axis=1)[rows] for tag in ("deposplat", "gauss")]
    return charge[0], charge[1], float(np.median(truth[rows].max(axis=1)))


def off_signal_rms(frames: Frames) -> float:
    quiet = frames["deposplat"].max(axis=1) < 1
    return float(np.sqrt((frames["loose_lf"][quiet] ** 2).mean()))


def track_rows(folder: Path, sim: Simulation, table: Table) -> None:
    for told in json.loads((folder / "meta.json").read_text())["events"]:
        plane, track = told["plane"], told["tracks"][0]
        theirs = toolkit(folder, told, plane, sim.detector)
        ours = simulated(straight(track, track["e_per_mm"]), sim, plane, seed=1)
        name = f"{plane.upper()} track at {told['theta_xz']} deg: "
        measured = []
        for frames in (theirs, ours):
            truth, gauss, peak = windowed(frames)
            marks = [100 * (frames[tag] > 0).mean() for tag in ("mp2_roi", "mp3_roi")]
            measured.append(
                (
                    truth.mean(),
                    peak,
                    gauss.sum() / truth.sum(),
                    100 * (gauss == 0).mean(),
                    *marks,
                    off_signal_rms(frames),
                )
            )
        add(table, name + "truth charge per channel [e]", *(m[0] for m in measured), "{:.0f}")
        add(table, name + "truth peak per tick [e]", *(m[1] for m in measured), "{:.0f}")
        add(table, name + "gauss over truth", *(m[2] for m in measured), "{:.3f}")
        add(table, name + "gauss inefficiency [%]", *(m[3] for m in measured), "{:.1f}")
        add(table, name + "mp2_roi pixels [%]", *(m[4] for m in measured), "{:.2f}")
        add(table, name + "mp3_roi pixels [%]", *(m[5] for m in measured), "{:.2f}")
        add(table, name + "loose_lf RMS off signal [e]", *(m[6] for m in measured), "{:.0f}")


def add(table: Table, name: str, theirs: float, ours: float, form: str) -> None:
    ratio = ours / theirs if theirs else float("nan")
    table.add_row(name, form.format(theirs), form.format(ours), f"{ratio:.2f}")


def cosmic_numbers(frames: Frames) -> tuple[float, ...]:
    truth, ticks = frames["deposplat"], frames["deposplat"].shape[1]
    rebinned = truth.reshape(len(truth), ticks // 10, 10).mean(axis=2)
    marks = [100 * float((frames[tag] > 0).mean()) for tag in ("mp2_roi", "mp3_roi", "gauss")]
    off = frames["loose_lf"][:, 300:-300][truth[:, 300:-300] == 0]
    middle = np.median(np.abs(off)) * 1.4826
    inside = frames["gauss"][truth > 0].sum() / truth.sum()
    return 100 * float((rebinned > 100).mean()), *marks, float(middle), float(inside)


def cosmic_rows(folder: Path, sim: Simulation, events: int, table: Table) -> None:
    told = json.loads((folder / "meta.json").read_text())["events"]
    per_plane: dict[str, list[list[tuple[float, ...]]]] = {"u": [[], []], "v": [[], []]}
    for event in told:
        for plane, (theirs, _) in per_plane.items():
            frames = toolkit(folder, event, plane, sim.detector)
            if "deposplat" in frames:
                theirs.append(cosmic_numbers(frames))
    for index in range(events):
        planes, truth = sim.frames(sim.generate(index, 1), index, 1)
        for number, plane in enumerate(per_plane):
            frames = planes[number] | {"deposplat": truth[number]}
            per_plane[plane][1].append(cosmic_numbers(frames))
    names = ("truth pixels above 100 e, rebin 10 [%]", "mp2_roi pixels [%]", "mp3_roi pixels [%]")
    names += ("gauss pixels [%]", "loose_lf width off signal [e]", "gauss over truth")
    for plane, (theirs, ours) in per_plane.items():
        for name, a, b in zip(names, np.mean(theirs, axis=0), np.mean(ours, axis=0), strict=True):
            add(table, f"cosmic {plane.upper()}: {name}", a, b, "{:.2f}")


def cost(sim: Simulation) -> str:
    sim.response.per_tick(sim.detector.tick_ns)  # once a process, shared by all events
    began = time.process_time()
    sim.frames(sim.generate(0, 1), 0, 1)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return f"one cosmic event: {seconds:.1f} s of one core; peak memory {peak:.0f} MB"


def curve(sim: Simulation, plane: str) -> list[tuple[float, float, float]]:
    """Angle, gauss over truth and inefficiency [%] of 2 m tracks."""
    points = []
    low, high = sim.detector.corners
    for theta in CURVE_DEG:
        way = 2000.0 * direction_at(sim.detector, plane, theta)
        start = (low + high - way) / 2
        start[0] = 600.0
        event = {"start": start.tolist(), "end": (start + way).tolist(), "t0": 2e5}
        truth, gauss, _ = windowed(simulated(straight(event, 5000.0), sim, plane, seed=theta))
        points.append((theta, gauss.sum() / truth.sum(), 100 * float((gauss == 0).mean())))
    return points


def angles_figure(pdhd: Path, sim: Simulation, told: list[dict[str, Any]]) -> Any:
    """Gauss charge and inefficiency against the angle."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for plane, colour in (("u", "tab:green"), ("v", "tab:blue")):
        theirs = []
        for event in (e for e in told if e["plane"] == plane):
            truth, gauss, _ = windowed(toolkit(pdhd / "tracks", event, plane, sim.detector))
            lost = 100 * float((gauss == 0).mean())
            theirs.append((event["theta_xz"], gauss.sum() / truth.sum(), lost))
        ours, other = np.array(curve(sim, plane)), np.array(theirs)
        style = {"color": colour, "ms": 5}
        for axis, column in zip(axes, (1, 2), strict=True):
            axis.plot(ours[:, 0], ours[:, column], "o-", label=f"{plane.upper()} roilab", **style)
            style |= {"mfc": "none"}
            axis.plot(other[:, 0], other[:, column], "s", label=f"{plane.upper()} toolkit", **style)
    for axis, label in zip(axes, ("gauss over truth", "gauss inefficiency [%]"), strict=True):
        axis.set(xlabel=r"$\theta_{xz}$ [deg]", ylabel=label)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    return figure


def images(rows: list[tuple[str, Frames]], tags: tuple[str, ...], extent: Any, top: float) -> Any:
    """Frames side by side: one row for each simulation, one column for each tag."""
    import matplotlib.pyplot as plt

    size = (2.2 * len(tags) + 1, 5.4)
    figure, grid = plt.subplots(
        len(rows), len(tags), figsize=size, layout="constrained", sharex=True, sharey=True
    )
    look = {"aspect": "auto", "origin": "lower", "cmap": "RdBu_r", "interpolation": "none"}
    for axes, (who, frames) in zip(grid, rows, strict=True):
        for axis, tag in zip(axes, tags, strict=True):
            axis.imshow(frames[tag].T, vmin=-top, vmax=top, extent=extent, **look)
            axis.set_title(f"{who}: {tag}", fontsize=9)
    grid[-1, 0].set(xlabel="V channel", ylabel="tick")
    return figure


def track_figure(pdhd: Path, sim: Simulation, told: list[dict[str, Any]]) -> Any:
    """One track, cut out, in five frames."""
    event = next(e for e in told if e["plane"] == "v" and e["theta_xz"] == 60)
    theirs = toolkit(pdhd / "tracks", event, "v", sim.detector)
    ours = simulated(straight(event["tracks"][0], 5000.0), sim, "v", seed=1)
    hot = np.argwhere(theirs["deposplat"] > 100)
    (row, tick), (last_row, last_tick) = hot.min(axis=0), hot.max(axis=0)
    cut = np.s_[row - 15 : last_row + 15, tick - 150 : last_tick + 150]
    tags = ("deposplat", "loose_lf", "gauss", "mp2_roi", "mp3_roi")
    rows = [
        (who, {tag: frames[tag][cut] for tag in tags})
        for who, frames in (("toolkit", theirs), ("roilab", ours))
    ]
    return images(rows, tags, (row - 15, last_row + 15, tick - 150, last_tick + 150), 2000)


def cosmic_figure(pdhd: Path, sim: Simulation) -> Any:
    """A whole V plane of either simulation."""
    planes, truth = sim.frames(sim.generate(3, 1), 3, 1)
    event = json.loads((pdhd / "cosmic" / "meta.json").read_text())["events"][0]
    theirs = toolkit(pdhd / "cosmic", event, "v", sim.detector)
    ours = planes[1] | {"deposplat": truth[1]}
    tags = ("deposplat", "loose_lf", "gauss")
    rows = [
        (who, {tag: frames[tag].reshape(400, 2, 600, 10).mean(axis=(1, 3)) for tag in tags})
        for who, frames in (("toolkit", theirs), ("roilab", ours))
    ]
    return images(rows, tags, (0, 800, 0, 6000), 1500)


def pictures(pdhd: Path, sim: Simulation, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    told = json.loads((pdhd / "tracks" / "meta.json").read_text())["events"]
    track_figure(pdhd, sim, told).savefig(folder / "simulation_track.png", dpi=80)
    cosmic_figure(pdhd, sim).savefig(folder / "simulation_cosmic.png", dpi=80)
    angles_figure(pdhd, sim, told).savefig(folder / "simulation_angles.png", dpi=80)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdhd", type=Path, help="folder with tracks/ and cosmic/ of the toolkit")
    parser.add_argument("--cosmic", type=int, default=4, help="cosmic events to simulate")
    parser.add_argument("--pictures", type=Path, help="draw the figures into this folder")
    arguments = parser.parse_args()
    console = Console(width=110)
    sim = simulation("cosmic")
    table = Table("quantity", "toolkit", "roilab", "ratio")
    track_rows(arguments.pdhd / "tracks", sim, table)
    cosmic_rows(arguments.pdhd / "cosmic", sim, arguments.cosmic, table)
    console.print(table)
    console.print(cost(sim))
    if arguments.pictures:
        pictures(arguments.pdhd, sim, arguments.pictures)


if __name__ == "__main__":
    main()
