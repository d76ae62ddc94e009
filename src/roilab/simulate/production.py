"""Simulate many events: frame files in parallel, resumable, with their truth in ``meta.json``."""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roilab.atomic_write import write_json
from roilab.detectors.detector import PLANE_NAMES
from roilab.folder_lock import LOCK_FILES, lock_folder
from roilab.frames import CONTAINERS, META_FILE, SIMULATION_FILE
from roilab.interruption import Interrupted
from roilab.simulate.chain import Simulation
from roilab.simulate.depo_files import DepoJob
from roilab.simulate.errors import SimulationError
from roilab.simulate.file_jobs import FileJob, RunJobs
from roilab.simulate.request import RECONSTRUCTION_TAGS
from roilab.simulate.write_frames import TRUTH_TAG
from roilab.types import Row

log = logging.getLogger(__name__)


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
        make = DepoJob if self.config.get("output") == "depos" else FileJob
        return [make(self.config, self.output_dir, n, chunk) for n, chunk in enumerate(chunks)]

    def run(self, run_jobs: RunJobs, progress: bool) -> None:
        """Simulate the incomplete files, and write ``meta.json``.

        Args:
            run_jobs: of ``simulating_processes``.
            progress: show a progress bar.

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
                write_json(self.output_dir / SIMULATION_FILE, self.config)
            self._simulate(run_jobs, progress)
        finally:
            lock.release()

    def _simulate(self, run_jobs: RunJobs, progress: bool) -> None:
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
                for count in run_jobs(jobs):
                    bar.advance(task, count)
        except BaseException as end:
            for partial in self.output_dir.glob(".*.partial*"):  # of the ended processes
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
        config_file = self.output_dir / SIMULATION_FILE
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
        detector = self.simulation.actual_detector
        events = []
        for job in self.jobs:
            events += [self._describe_event(index) | dict(job.names) for index in job.events]
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


def _describe_difference(stored: Any, config: Any, key: str = "") -> str:
    """Describe the first entry in which two configurations differ."""
    if isinstance(stored, dict) and isinstance(config, dict):
        for name in sorted({*stored, *config}, key=str):
            if stored.get(name) != config.get(name):
                where = f"{key}.{name}".lstrip(".")
                return _describe_difference(stored.get(name), config.get(name), where)
    return f"{key or 'everything'}: stored {stored}, requested {config}"
