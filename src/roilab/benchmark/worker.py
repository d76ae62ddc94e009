"""Measure one network in a new process: ``python -m roilab.benchmark.worker < job.json``.

It imports little more than torch, so that the measured memory is that of the network.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from roilab.benchmark.process import resident_mb
from roilab.peak_memory import PeakMemory
from roilab.wirecell import forward_in_chunks
from roilab.wirecell.torchscript import load_torchscript


def load_on_device(path: str, device: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Load a TorchScript file as WCT's TorchService does.

    Return a function from an image on the CPU to the ROI probability on the device.
    ``roilab.inference`` is not used, because it imports the packages of all networks.
    """
    module = load_torchscript(Path(path))[0].eval().to(device)

    def network(image: torch.Tensor) -> torch.Tensor:
        probability: torch.Tensor = module(image.to(device))
        return probability

    return network


def set_threads(threads: int | None) -> None:
    """Set the number of threads of torch; ``None`` keeps torch's choice."""
    if threads is not None:
        torch.set_num_threads(threads)


def measure(job: Mapping[str, Any]) -> dict[str, Any]:
    """Measure peak memory above the loaded process, and time of plane events.

    Args:
        job: ``module`` (TorchScript file), ``images`` (.npy files, each (layer, channel, slice)
            float32; the first is measured), ``outputs`` (.npy files for the probability of each
            image; may be empty), ``nchunks``, ``warmup`` (plane events before the timed ones),
            ``events`` (timed plane events), ``threads`` and ``device``.

    Returns:
        ``loaded_mb``, ``peak_mb``, ``seconds`` of every timed event, ``threads``, ``since_reset``,
        and on a GPU ``gpu_peak_mb`` and ``gpu_reserved_mb``.
    """
    set_threads(job["threads"])
    network = load_on_device(job["module"], job["device"])
    images = [torch.from_numpy(np.load(path))[None] for path in job["images"][:1]]
    loaded, gpu = resident_mb(), _GpuMemory(job["device"])
    peak = PeakMemory()
    seconds = []
    for _ in range(job["warmup"] + job["events"]):
        began = time.perf_counter()
        probability = forward_in_chunks(network, images[0], job["nchunks"])
        seconds.append(time.perf_counter() - began)
    measured = {
        "loaded_mb": loaded,
        "peak_mb": peak.mb() - loaded,
        "seconds": seconds[job["warmup"] :],
        "threads": torch.get_num_threads(),
        "since_reset": peak.since_reset,
        **gpu.mb(),
    }
    for number, output in enumerate(job["outputs"]):
        if number:
            image = torch.from_numpy(np.load(job["images"][number]))[None]
            probability = forward_in_chunks(network, image, job["nchunks"])
        np.save(output, probability)
    return measured


class _GpuMemory:
    """GPU memory that torch allocates above the loaded network, and all that it reserves."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            self.loaded = torch.cuda.memory_allocated(self.device)

    def mb(self) -> dict[str, float]:
        if self.device.type != "cuda":
            return {}
        peak = torch.cuda.max_memory_allocated(self.device) - self.loaded
        reserved = torch.cuda.max_memory_reserved(self.device)
        return {"gpu_peak_mb": peak / 1e6, "gpu_reserved_mb": reserved / 1e6}


if __name__ == "__main__":
    json.dump(measure(json.load(sys.stdin)), sys.stdout)
