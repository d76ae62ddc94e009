"""Run a job of several plane events and read its memory after every step.

``python -m roilab.benchmark.memory_worker < job.json``
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from roilab.benchmark.process import resident_mb
from roilab.benchmark.worker import load_on_device, set_threads
from roilab.peak_memory import PeakMemory
from roilab.types import Row
from roilab.wirecell import Node, NodeSettings

START = "job starts"


class StepRecorder:
    """Record the memory after each step.

    Attributes:
        rows: one row per step: ``segment``, ``step``, resident memory before, after and at its
            peak [MB].
        segment: name of the present plane event.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.segment = START
        self._before, self._peak = resident_mb(), PeakMemory()

    def __call__(self, step: str) -> None:
        """Record a finished step."""
        peak, after = self._peak.mb(), resident_mb()
        row: Row = {"segment": self.segment, "step": step, "before_mb": self._before}
        row |= {"after_mb": after, "peak_mb": peak if self._peak.since_reset else None}
        self.rows.append(row)
        self._before, self._peak = after, PeakMemory()


def run_job(job: Mapping[str, Any]) -> list[Row]:
    """Run a node on one plane event after another; return the rows of a ``StepRecorder``.

    Args:
        job: ``module`` (TorchScript file), ``frame`` (.npz file of (channel, tick) arrays by tag),
            ``layers``, ``decon_charge``, ``node`` (settings), ``segments`` (names of the plane
            events), ``keep_frames`` (keep the node's output until the end), ``threads``,
            ``device``.
    """
    set_threads(job["threads"])
    record = StepRecorder()
    network = load_on_device(job["module"], job["device"])
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
        record("0 frame in: freed")
    return record.rows


if __name__ == "__main__":
    json.dump(run_job(json.load(sys.stdin)), sys.stdout)
