"""Simulate many events: frame files in parallel, resumable, with their truth in ``meta.json``."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roilab.atomic_write import write_json
from roilab.detectors.detector import PLANE_NAMES
from roilab.folder_lock import LOCK_FILES, lock_folder
from roilab.frames import CONTAINERS, FrameWriter
from roilab.interruption import Interrupted
from roilab.process_pool import process_pool
from roilab.simulate.chain import Simulation
from roilab.simulate.errors import SimulationError
from roilab.simulate.request import RECONSTRUCTION_TAGS, Request
from roilab.simulate.write_frames import TRUTH_TAG, write_event
from roilab.types import Row

log = logging.getLogger(__name__)

CONFIG_FILE = "simulation.json"
META_FILE = "meta.json"


def check_processes(processes: int) -> None:
    """Check that this machine can run a number of processes at once.

    Raises:
        SimulationError: it is less than 1, or larger than the number of cores.
    """
    cores = _count_cores()
    if not 1 <= processes <= cores:
        raise SimulationError(
            f"processes={processes}: this machine offers {cores} cores; choose 1 to {cores}."
        )


def _count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True)
class FileJob:
    """The events of one pair of files."""

    config: Mapping[str, Any]
    output_dir: Path
    number: int  # N in ``g4-rec-N``
    events: tuple[int, ...]  # numbers in the sample

    def path(self, kind: str, container: str) -> Path:
        """Return the path of one file; ``kind`` is ``rec`` or ``tru``."""
        return self.output_dir / f"g4-{kind}-{self.number}.{container}"

    @property
    def paths(self) -> list[Path]:
        """All files of this job: for every container reconstruction, then truth."""
        containers = self.config["containers"]
        return [self.path(kind, c) for c in containers for kind in ("rec", "tru")]

    @property
    def complete(self) -> bool:
        """Whether all files exist; an incomplete file has another name."""
        return all(path.is_file() for path in self.paths)


class Production:
    """Production of one sample in one folder, which may be absent.

    Raises:
        SimulationError: a number of events, tag, plane or container is not valid.
    """

    def __init__(self, config: Mapping[str, Any], output_dir: Path) -> None:
        self.config, self.output_dir = dict(config), output_dir
        for name in ("events", "events_per_file"):
            if self.config[name] < 1:
                raise SimulationError(f"{name} is {self.config[name]}: expected at least 1.")
        choices = {"tags": RECONSTRUCTION_TAGS, "planes": PLANE_NAMES, "containers": CONTAINERS}
        for name, known in choices.items():
            unknown = [value for value in self.config[name] if value not in known]
            if unknown or not self.config[name]:
                got = ", ".join(map(str, unknown)) or "nothing"
                raise SimulationError(f"{name} has {got}: expected some of {', '.join(known)}.")

    @cached_property
    def simulation(self) -> Simulation:
        """The stages of the simulation, instantiated on first use: a complete sample needs none."""
        return Simulation.from_config(self.config)

    @property
    def jobs(self) -> list[FileJob]:
        """All files of the sample."""
        numbers = range(self.config["events"])
        size = self.config["events_per_file"]
        chunks = [tuple(numbers[first : first + size]) for first in range(0, len(numbers), size)]
        return [FileJob(self.config, self.output_dir, n, chunk) for n, chunk in enumerate(chunks)]

    def run(self, processes: int, progress: bool) -> None:
        """Simulate at most ``processes`` incomplete files at a time, and write ``meta.json``.

        Raises:
            SimulationError: the folder holds other files, or a process was ended from outside.
            FolderError: another process simulates into the folder.
        """
        if self._holds_this_sample() and self._is_complete():
            log.info("%s: all %d events are complete", self.output_dir, self.config["events"])
            return  # a sample of another user too, in whose folder no lock can be written
        lock = lock_folder(self.output_dir, "choose another output_dir")
        try:
            # Another process may have begun a sample here meanwhile.
            if not self._holds_this_sample():
                write_json(self.output_dir / CONFIG_FILE, self.config)
            self._simulate(processes, progress)
        finally:
            lock.release()

    def _simulate(self, processes: int, progress: bool) -> None:
        events, jobs = self.config["events"], [job for job in self.jobs if not job.complete]
        done = self._count_complete_events()
        if done:
            log.info("%s: %d of %d events are complete", self.output_dir, done, events)
        if self._is_complete():
            return
        columns = (
            TextColumn("simulating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("events"),
            TimeRemainingColumn(),
        )
        try:
            with Progress(*columns, disable=not progress) as bar:
                task = bar.add_task("simulating", total=events, completed=done)
                for count in _run_jobs(jobs, processes):
                    bar.advance(task, count)
        except BaseException as end:
            for partial in self.output_dir.glob(".g4-*.partial*"):  # of the ended processes
                partial.unlink(missing_ok=True)
            if isinstance(end, Interrupted):
                end.note = (
                    f"{self.output_dir}: {self._count_complete_events()} of {events} events are "
                    "complete and kept, meta.json is not written. Run the same command again to "
                    "continue."
                )
            raise
        write_json(self.output_dir / META_FILE, self.collect_metadata())

    def _is_complete(self) -> bool:
        files = (job.complete for job in self.jobs)
        return all(files) and (self.output_dir / META_FILE).is_file()

    def _count_complete_events(self) -> int:
        return sum(len(job.events) for job in self.jobs if job.complete)

    def _holds_this_sample(self) -> bool:
        """Return whether the folder holds this sample, complete or not; else it must be empty."""
        config_file = self.output_dir / CONFIG_FILE
        config = json.loads(json.dumps(self.config))
        if config_file.is_file():
            stored = None
            with suppress(ValueError):
                stored = json.loads(config_file.read_text())
            if stored != config:
                raise SimulationError(
                    f"{self.output_dir}: holds a sample of another configuration "
                    f"({_describe_difference(stored, config)}); choose another output_dir, or "
                    "remove that sample."
                )
            return True
        found = sorted(self.output_dir.iterdir()) if self.output_dir.is_dir() else []
        others = [path for path in found if path.name not in LOCK_FILES]
        if others:
            raise SimulationError(
                f"{self.output_dir}: holds {len(others)} other files ('{others[0].name}', ...); "
                "expected an empty or absent folder, or an interrupted sample. Choose another "
                "output_dir."
            )
        _ = self.simulation  # settings that cannot be used leave no folder behind
        return False

    def collect_metadata(self) -> dict[str, Any]:
        """Return the contents of ``meta.json``: the truth of every event."""
        detector, container = self.simulation.actual_detector, self.config["containers"][0]
        events = []
        for job in self.jobs:
            files = {kind: job.path(kind, container).name for kind in ("rec", "tru")}
            events += [self._describe_event(index) | files for index in job.events]
        common = {
            "detector": f"{detector.name} (roilab simulation)",
            "apa": detector.apa,
            "tick_ns": detector.tick_ns,
            "nticks": detector.nticks,
            "tick0_time_ns": detector.tick0_ns,
            "drift_speed_mm_per_us": detector.drift_speed_mm_per_us,
            "lifetime_ms": detector.lifetime_ms,
            "variation": self.simulation.variation.changes,
            "units": "mm, ns, electrons, MeV, degrees",
            "first_channel": dict(zip(PLANE_NAMES, detector.first_channels, strict=True)),
            "truth_tag": f"{TRUTH_TAG}{detector.apa}",
        }
        return {"common": common, "events": events}

    def _describe_event(self, index: int) -> Row:
        """Return the entry of an event in ``meta.json``."""
        # Generated a second time: depositions take little time but much memory.
        event = self.simulation.generate(index, self.config["seed"])
        return {
            "index": index,
            "event": self.config["first_event"] + index,
            "seed": self.config["seed"],
            "nelectrons": float(event.depositions.electrons.sum()),
            **event.facts,
            "tracks": event.tracks,
        }


def _run_jobs(jobs: list[FileJob], processes: int) -> Iterator[int]:
    """Simulate files; yield the number of events of each when it is complete."""
    processes = min(processes, _count_cores(), len(jobs))
    if processes <= 1:
        yield from map(simulate_file, jobs)
        return
    try:
        with process_pool(processes, _no_preparation) as pool:
            for future in as_completed([pool.submit(simulate_file, job) for job in jobs]):
                yield future.result()
    except BrokenProcessPool as error:
        raise SimulationError(
            "a process was ended from outside (out of memory?); complete files are kept. Run the "
            "same command again, with fewer processes."
        ) from error


def _no_preparation() -> None:
    """Prepare nothing in a new process."""


def simulate_file(job: FileJob) -> int:
    """Simulate the events of one pair of files; return their number.

    All random numbers follow from the sample's seed and the event's number, so the frames do not
    depend on the process.
    """
    simulation, seed = Simulation.from_config(job.config), job.config["seed"]
    request = Request.from_config(job.config)
    for path in job.paths:
        path.unlink(missing_ok=True)
    for leftover in job.output_dir.glob(f".g4-*-{job.number}.*.partial*"):
        leftover.unlink()
    with ExitStack() as stack:
        # Closed in reverse order: the truth appears first, so no reconstruction stands without it.
        writers = [stack.enter_context(FrameWriter(path)) for path in job.paths]
        for index in job.events:
            event = simulation.generate(index, seed)
            planes, truth = simulation.simulate(event, index, seed, request)
            for rec, tru in zip(writers[::2], writers[1::2], strict=True):
                write_event(rec, tru, job.config, simulation.detector, index, planes, truth)
    return len(job.events)


def _describe_difference(stored: Any, config: Any, key: str = "") -> str:
    """Describe the first entry in which two configurations differ."""
    if isinstance(stored, dict) and isinstance(config, dict):
        for name in sorted({*stored, *config}, key=str):
            if stored.get(name) != config.get(name):
                where = f"{key}.{name}".lstrip(".")
                return _describe_difference(stored.get(name), config.get(name), where)
    return f"{key or 'everything'}: stored {stored}, requested {config}"
