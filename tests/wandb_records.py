"""Wait for the records of a W&B run: its service writes them a moment after the run's end."""

import time
from pathlib import Path

from roilab.dashboard.records import find_records, read_records


def finished_records(folder: Path, seconds: float = 60) -> list[Path]:
    """Return the records in a folder when all of them contain the end of their run."""
    end = time.monotonic() + seconds
    while True:
        paths = find_records([folder])
        # An empty file has not even its first bytes.
        ended = [p.stat().st_size > 0 and read_records(p).exit_code is not None for p in paths]
        if all(ended):
            return paths
        assert time.monotonic() < end, f"no end of a run in {folder}"
        time.sleep(0.05)
