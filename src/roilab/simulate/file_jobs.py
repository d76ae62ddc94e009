"""Simulate pairs of frame files, several at a time."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from roilab.frames import FrameWriter
from roilab.process_pool import ProcessPool, process_pool
from roilab.simulate.chain import Simulation
from roilab.simulate.errors import SimulationError
from roilab.simulate.request import Request
from roilab.simulate.write_frames import EventWriter


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
    def names(self) -> Mapping[str, str]:
        """Names of the files of an event, as in ``meta.json``."""
        container = self.config["containers"][0]
        return {kind: self.path(kind, container).name for kind in ("rec", "tru")}

    @property
    def complete(self) -> bool:
        """Whether all files exist; an incomplete file has another name."""
        return all(path.is_file() for path in self.paths)

    def run(self) -> None:
        """Simulate the events and write the files."""
        simulation, seed = Simulation.from_config(self.config), self.config["seed"]
        request = Request.from_config(self.config)
        with ExitStack() as stack:
            # Closed in reverse order: the truth appears first, so no reconstruction is without it.
            writers = [stack.enter_context(FrameWriter(path)) for path in self.paths]
            for index in self.events:
                event = simulation.generate(index, seed)
                writer = EventWriter(self.config, simulation.detector, index)
                frames = simulation.simulate_frames(event, index, seed, request)
                writer.write_reconstruction(writers[::2], frames)
                writer.write_truth(writers[1::2], simulation.simulate_truth(event, request))


RunJobs = Callable[[Sequence[FileJob]], Iterator[int]]


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


@contextmanager
def simulating_processes(processes: int) -> Iterator[RunJobs]:
    """Give a function that simulates files and yields the number of events of each when complete.

    Its processes start with the first files and serve all calls: each of them computes the field
    response, which takes seconds, only once.

    Args:
        processes: largest number of files to simulate at a time.
    """
    count = min(processes, _count_cores())
    if count <= 1:
        yield _run_here
        return
    with process_pool(count, _no_preparation) as pool:
        yield partial(_run_in, pool)


def _run_here(jobs: Sequence[FileJob]) -> Iterator[int]:
    return map(simulate_file, jobs)


def _run_in(pool: ProcessPool, jobs: Sequence[FileJob]) -> Iterator[int]:
    """Simulate files in a pool; an error ends its processes before it is raised."""
    try:
        for future in as_completed([pool.submit(simulate_file, job) for job in jobs]):
            yield future.result()
    except BrokenProcessPool as error:
        raise SimulationError(
            "a process was ended from outside (out of memory?); complete files are kept. Run the "
            "same command again, with fewer processes."
        ) from error
    except BaseException:
        pool.end()
        raise


def _no_preparation() -> None:
    """Prepare nothing in a new process."""


def simulate_file(job: FileJob) -> int:
    """Simulate the events of one job; return their number.

    All random numbers follow from the sample's seed and the event's number, so the frames do not
    depend on the process.
    """
    for path in job.paths:
        path.unlink(missing_ok=True)
        for leftover in job.output_dir.glob(f".{path.stem}.*.partial*"):
            leftover.unlink()
    job.run()
    return len(job.events)
