"""Many events: frame files, in parallel, resumable, with the truth beside them."""

import json
import logging
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roilab.atomic_write import write_text
from roilab.detectors.detector import PLANE_NAMES
from roilab.frames import FrameWriter
from roilab.simulate.chain import RECONSTRUCTION_TAGS, Simulation
from roilab.simulate.depositions import Event
from roilab.simulate.errors import SimulationError
from roilab.simulate.write_frames import TRUTH_TAG, write_event

log = logging.getLogger(__name__)

CONFIG_FILE = "simulation.json"
META_FILE = "meta.json"
# Every file of a sample but these has a name that its configuration tells.
_SUFFIXES = ("h5", "npz", "tar", "tar.gz", "tar.bz2")


def check_processes(processes: int) -> None:
    """Refuse a number of processes that this machine cannot run at once.

    Raises:
        SimulationError: less than 1, or more than there are cores.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not 1 <= processes <= (cores or 1):
        raise SimulationError(
            f"processes={processes}: this machine offers {cores} cores; choose 1 to {cores}."
        )


@dataclass(frozen=True)
class FileJob:
    """One pair of files: a number of events of a sample.

    Attributes:
        config: configuration of the sample.
        folder: where the files go.
        number: the N of ``g4-rec-N``.
        events: numbers of the events within the sample.
    """

    config: Mapping[str, Any]
    folder: Path
    number: int
    events: tuple[int, ...]

    def path(self, kind: str, container: str) -> Path:
        """Path of one file; ``kind`` is ``rec`` or ``tru``."""
        return self.folder / f"g4-{kind}-{self.number}.{container}"

    @property
    def paths(self) -> list[Path]:
        """All files of this job."""
        containers = self.config["containers"]
        return [self.path(kind, c) for c in containers for kind in ("rec", "tru")]

    @property
    def whole(self) -> bool:
        """Whether all files are there; a file has its name only when it is complete."""
        return all(path.is_file() for path in self.paths)


class Sample:
    """A sample of events in a folder.

    Args:
        config: plain container of the configuration group ``simulation``.
        folder: where the sample is, or shall be.

    Raises:
        SimulationError: the configuration names what is not known.
    """

    def __init__(self, config: Mapping[str, Any], folder: Path) -> None:
        self.config = dict(config)
        self.folder = folder
        self._check()

    @cached_property
    def simulation(self) -> Simulation:
        """Put together when it is needed first: a sample that is there does without.

        Raises:
            SimulationError: the configuration makes no sense.
        """
        return Simulation.from_config(self.config)

    def _check(self) -> None:
        for name in ("events", "events_per_file"):
            if self.config[name] < 1:
                raise SimulationError(f"{name} is {self.config[name]}: expected at least 1.")
        choices = {"tags": RECONSTRUCTION_TAGS, "planes": PLANE_NAMES, "containers": _SUFFIXES}
        for name, known in choices.items():
            unknown = [value for value in self.config[name] if value not in known]
            if unknown or not self.config[name]:
                got = ", ".join(map(str, unknown)) or "nothing"
                raise SimulationError(f"{name} has {got}: expected some of {', '.join(known)}.")

    @property
    def jobs(self) -> list[FileJob]:
        """The files of the sample."""
        numbers = range(self.config["events"])
        size = self.config["events_per_file"]
        chunks = [tuple(numbers[first : first + size]) for first in range(0, len(numbers), size)]
        return [FileJob(self.config, self.folder, n, chunk) for n, chunk in enumerate(chunks)]

    def make(self, processes: int, progress: bool) -> None:
        """Simulate what the folder lacks.

        Args:
            processes: files to work on at a time; more than there are cores are not used.
            progress: show a progress bar.

        Raises:
            SimulationError: the folder holds other files, or the run was interrupted.
        """
        self._claim()
        jobs = [job for job in self.jobs if not job.whole]
        whole = self.config["events"] - sum(len(job.events) for job in jobs)
        if whole:
            log.info("%s: %d of %d events are there", self.folder, whole, self.config["events"])
        if not jobs and (self.folder / META_FILE).is_file():
            return
        try:
            with _bar(self.config["events"], whole, progress) as advance:
                for count in _run(jobs, processes):
                    advance(count)
        except KeyboardInterrupt:
            whole = sum(len(job.events) for job in self.jobs if job.whole)
            raise SimulationError(
                f"{self.folder}: interrupted; {whole} of {self.config['events']} events are whole "
                "and kept, meta.json is not written. Run the same command again to go on."
            ) from None
        _write_json(self.folder / META_FILE, self.meta())

    def _claim(self) -> None:
        """Make sure that the folder is empty or holds this very sample."""
        told = self.folder / CONFIG_FILE
        wanted = json.loads(json.dumps(self.config))
        if told.is_file():
            try:
                found = json.loads(told.read_text())
            except ValueError:
                found = None
            if found != wanted:
                raise SimulationError(
                    f"{self.folder}: holds a sample of another configuration "
                    f"({_difference(found, wanted)}); choose another folder, or remove that sample."
                )
            return
        others = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        if others:
            raise SimulationError(
                f"{self.folder}: holds {len(others)} other files ('{others[0].name}', ...); "
                "expected an empty or absent folder, or an interrupted sample. Choose another."
            )
        _ = self.simulation  # no folder for one that makes no sense
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_json(told, wanted)

    def meta(self) -> dict[str, Any]:
        """What ``meta.json`` tells: the truth of every event."""
        detector, container = self.simulation.detector, self.config["containers"][0]
        first = dict(zip(PLANE_NAMES, detector.first_channels, strict=True))
        events = []
        for job in self.jobs:
            files = {kind: job.path(kind, container).name for kind in ("rec", "tru")}
            for index in job.events:
                # Depositions cost little; making them again saves keeping them.
                event = self.simulation.generate(index, self.config["seed"])
                events.append(self._event_meta(index, event) | files)
        common = {
            "detector": f"{detector.name} (roilab simulation)",
            "apa": detector.apa,
            "tick_ns": detector.tick_ns,
            "nticks": detector.nticks,
            "tick0_time_ns": detector.tick0_ns,
            "drift_speed_mm_per_us": detector.drift_speed_mm_per_us,
            "lifetime_ms": detector.lifetime_ms,
            "units": "mm, ns, electrons, MeV, degrees",
            "first_channel": first,
            "truth_tag": f"{TRUTH_TAG}{detector.apa}",
        }
        return {"common": common, "events": events}

    def _event_meta(self, index: int, event: Event) -> dict[str, Any]:
        return {
            "index": index,
            "event": self.config["first_event"] + index,
            "seed": self.config["seed"],
            "nelectrons": float(event.depositions.electrons.sum()),
            **event.facts,
            "tracks": event.tracks,
        }


def _run(jobs: list[FileJob], processes: int) -> Iterator[int]:
    """Work on jobs; yields the number of events of each as it is done."""
    cores = os.cpu_count() or 1
    processes = min(processes, cores, len(jobs))
    if processes <= 1:
        yield from map(simulate_file, jobs)
        return
    # Not by fork: the parent may run threads of torch or BLAS.
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(simulate_file, jobs)


def simulate_file(job: FileJob) -> int:
    """Simulate the events of one pair of files; returns their number.

    All random numbers follow from the sample's seed and the event's number, so it does not
    matter which process works on which file.
    """
    simulation = Simulation.from_config(job.config)
    containers = job.config["containers"]
    for path in job.paths:
        path.unlink(missing_ok=True)
    for leftover in job.folder.glob(f".g4-*-{job.number}.*.partial*"):
        leftover.unlink()
    writers = [
        (FrameWriter(job.path("rec", c)), FrameWriter(job.path("tru", c))) for c in containers
    ]
    done = False
    try:
        for index in job.events:
            event = simulation.generate(index, job.config["seed"])
            planes, truth = simulation.frames(event, index, job.config["seed"])
            for rec, tru in writers:
                write_event(rec, tru, job.config, simulation.detector, index, planes, truth)
        done = True
    finally:
        # The truth first: a reconstruction file stands only where its truth does.
        for rec, tru in writers:
            for writer in (tru, rec):
                error = None if done else RuntimeError("incomplete")
                writer.__exit__(type(error) if error else None, error, None)
    return len(job.events)


@contextmanager
def _bar(total: int, done: int, show: bool) -> Iterator[Any]:
    columns = (
        TextColumn("simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not show) as bar:
        task = bar.add_task("simulating", total=total, completed=done)
        yield lambda count: bar.advance(task, count)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, indent=1) + "\n")


def _difference(found: Any, wanted: Any, where: str = "") -> str:
    """The first entry in which two configurations differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}, key=str):
            if found.get(key) != wanted.get(key):
                return _difference(found.get(key), wanted.get(key), f"{where}.{key}".lstrip("."))
    return f"{where or 'all'}: {found} there, {wanted} asked for"
