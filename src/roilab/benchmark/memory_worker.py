"""A job of several plane events in one process, its memory read after every step.

``python -m roilab.benchmark.memory_worker < job.json``
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from roilab.benchmark.process import resident_mb
from roilab.benchmark.worker import load_network, set_threads
from roilab.peak_memory import PeakMemory
from roilab.wirecell import Node, NodeSettings

START = "job starts"


class Recorder:
    """Reads the memory whenever a step is over.

    Attributes:
        rows: a row for every step: ``segment``, ``step``, resident memory before, after and at its
            peak [MB].
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.segment = START
        self._before, self._peak = resident_mb(), PeakMemory()

    def __call__(self, step: str) -> None:
        """Note a step that is over."""
        peak, after = self._peak.mb(), resident_mb()
        row = {"segment": self.segment, "step": step, "before_mb": self._before}
        row |= {"after_mb": after, "peak_mb": peak if self._peak.since_reset else None}
        self.rows.append(row)
        self._before, self._peak = after, PeakMemory()


def follow(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a node on one plane event after another.

    Args:
        job: ``module``, ``frame`` (.npz file of (channel, tick) arrays by tag), ``layers``,
            ``decon_charge``, ``node`` (settings), ``segments`` (a name for every plane event),
            ``keep_frames`` (whether the job holds what the node writes), ``threads``, ``device``.

    Returns:
        Rows as ``Recorder`` makes them.
    """
    set_threads(job["threads"])
    record = Recorder()
    network = load_network(job["module"], job["device"])
    record("6 load and service")
    settings = NodeSettings(**job["node"])
    node = Node(tuple(job["layers"]), job["decon_charge"], network, settings)
    kept = []
    for segment in job["segments"]:
        record.segment = segment
        with np.load(job["frame"]) as file:
            frame = {tag: file[tag] for tag in file.files}
        record("0 frame")
        traces = node(frame, record)
        record("5 frame out: node done")
        if job["keep_frames"]:
            kept.append(traces)
        del frame, traces
        record("0 frame in: given back")
    return record.rows


if __name__ == "__main__":
    json.dump(follow(json.load(sys.stdin)), sys.stdout)
