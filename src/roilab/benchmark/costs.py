"""Table of peak memory and time of every cell, and of the changes in its masks."""

import logging
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from rich.progress import Progress

from roilab.benchmark.export_variants import ExportVariant
from roilab.benchmark.frames import BenchmarkFrames, plain_config, read_frames
from roilab.benchmark.grid import BenchmarkCell, check_cells, grid
from roilab.benchmark.masks import MaskComparison
from roilab.benchmark.networks import BenchmarkNetwork, open_networks
from roilab.benchmark.process import MeasurementError
from roilab.benchmark.subprocess_runner import WORKER, run_in_subprocess
from roilab.benchmark.tables import save_costs, show_costs
from roilab.building import build
from roilab.detectors.readout import Readout
from roilab.errors import RoilabError
from roilab.types import Row

log = logging.getLogger(__name__)


@dataclass
class CellResult:
    """Results of the processes of one cell.

    Attributes:
        runs: results of the processes, see ``roilab.benchmark.worker.measure``.
        outputs: files with the probability of every image; empty for random weights.
        failed: message of the process that failed.
    """

    runs: list[Mapping[str, Any]] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    failed: str | None = None

    def row(self) -> Row:
        """Return median and spread (largest minus smallest) of all measured values."""
        row: Row = {"repeats": len(self.runs)}
        row |= {"threads": self.runs[0]["threads"] if self.runs else None}
        names = ("peak_mb", "loaded_mb", "gpu_peak_mb", "gpu_reserved_mb")
        values = {name: [run[name] for run in self.runs if name in run] for name in names}
        values["seconds"] = [seconds for run in self.runs for seconds in run["seconds"]]
        for name, numbers in values.items():
            row[name] = statistics.median(numbers) if numbers else None
            row[f"{name}_spread"] = max(numbers) - min(numbers) if numbers else None
        return row | {"failed": self.failed}


def run_cost_study(config: DictConfig) -> None:
    """Measure every cell of ``conf/benchmark.yaml``, compare masks, write tables and figures.

    Raises:
        RoilabError: (its subclasses too) a mistake in the configuration or its files.
    """
    plain = plain_config(config)
    frames, networks = prepare(config, plain)
    cells = grid(plain, [network.name for network in networks])
    variants: Mapping[str, ExportVariant] = build("variants", config.variants)
    with TemporaryDirectory(prefix="roilab-benchmark-") as scratch:
        files = BenchmarkFiles(Path(scratch), frames, networks, variants)
        results = measure_cells(cells, files, plain)
        rows = table_rows(cells, results, files, plain)
    header = {"machine": describe_machine(plain["device"], results), "shape": frames.shape}
    header |= {"frames": [image.source.name for image, _ in frames.images]}
    output_dir = Path(plain["run_dir"])
    runs = {str(cell): result.runs for cell, result in results.items()}
    save_costs(rows, runs, header, output_dir)
    show_costs(rows, header, output_dir)


def prepare(
    config: DictConfig, plain: Mapping[str, Any]
) -> tuple[BenchmarkFrames, list[BenchmarkNetwork]]:
    """Check the configuration, then open the networks and read the frames."""
    readout = Readout.from_config(plain["data"])
    low, high = readout.ranges[plain["data"]["planes"][0]]
    check_cells(plain, high - low)
    networks = open_networks(plain)
    for network in networks:
        trained_at = network.spec.rebin
        others = ", ".join(str(rebin) for rebin in plain["rebin"] if rebin != trained_at)
        if network.trained and others:
            text = (
                "%s was trained at rebin %d; at rebin %s its masks show changes, not the quality "
                "that a network trained there has."
            )
            log.warning(text, network.name, trained_at, others)
    return read_frames(plain, build("physics", config.physics), networks), networks


class BenchmarkFiles:
    """Input files of the measured processes, written when a cell first needs them."""

    def __init__(
        self,
        folder: Path,
        frames: BenchmarkFrames,
        networks: Sequence[BenchmarkNetwork],
        variants: Mapping[str, ExportVariant],
    ) -> None:
        self.folder, self.frames, self.variants = folder, frames, variants
        self.networks = {network.name: network for network in networks}
        self._written: dict[Any, Path] = {}

    def module(self, cell: BenchmarkCell) -> Path:
        """Return the TorchScript file of a cell."""
        if cell.file not in self._written:
            # One folder per export, because an export writes several files.
            path = self.folder / f"model-{len(self._written)}" / "model.ts"
            network = self.networks[cell.network].with_rebin(cell.rebin)
            self.variants[cell.variant].write(network, path, cell.precision)
            self._written[cell.file] = path
        return self._written[cell.file]

    def images(self, cell: BenchmarkCell) -> list[Path]:
        """Return the input images of a cell: one per image of the sample, or one of noise."""
        network = self.networks[cell.network]
        paths = []
        for number in range(max(1, len(self.frames.images))):
            key = (number, network.spec.layers, network.spec.input_scale, cell.rebin)
            if key not in self._written:
                path = self.folder / f"image-{len(self._written)}.npy"
                np.save(path, self.frames.model_input(number, network, cell.rebin))
                self._written[key] = path
            paths.append(self._written[key])
        return paths

    def outputs(self, number: int, cell: BenchmarkCell) -> list[Path]:
        """Return the files for the probabilities of a cell; none for random weights."""
        if not self.networks[cell.network].trained:
            return []
        return [self.folder / f"out-{number}-{n}.npy" for n in range(len(self.frames.images))]


def measure_cells(
    cells: Sequence[BenchmarkCell], files: BenchmarkFiles, plain: Mapping[str, Any]
) -> dict[BenchmarkCell, CellResult]:
    """Measure all cells once, then again, so that other load affects all cells alike.

    Raises:
        MeasurementError: all cells failed.
    """
    results = {cell: CellResult() for cell in cells}
    with Progress() as progress:
        task = progress.add_task("Measuring", total=len(cells) * plain["repeats"])
        for repeat in range(plain["repeats"]):
            for number, (cell, result) in enumerate(results.items()):
                progress.update(task, description=str(cell))
                if result.failed is None:
                    outputs = files.outputs(number, cell) if repeat == 0 else []
                    _measure_once(cell, result, files, outputs, plain)
                progress.advance(task)
    if all(result.failed for result in results.values()):
        cell, result = next(iter(results.items()))
        raise MeasurementError(f"{cell}: {result.failed}; no cell could be measured.")
    return results


def _measure_once(
    cell: BenchmarkCell,
    result: CellResult,
    files: BenchmarkFiles,
    outputs: list[Path],
    plain: Mapping[str, Any],
) -> None:
    job: dict[str, Any] = {"nchunks": cell.nchunks, "outputs": [str(path) for path in outputs]}
    job |= {name: plain[name] for name in ("warmup", "events", "threads", "device")}
    try:
        job["module"] = str(files.module(cell))
        job["images"] = [str(path) for path in files.images(cell)]
        result.runs.append(run_in_subprocess(WORKER, job))
    except RoilabError as error:  # also an export that refuses this network
        result.failed = str(error)
        log.warning("%s: not measured: %s", cell, error)
    else:
        result.outputs += outputs


def table_rows(
    cells: Sequence[BenchmarkCell],
    results: Mapping[BenchmarkCell, CellResult],
    files: BenchmarkFiles,
    plain: Mapping[str, Any],
) -> list[Row]:
    """Return one row per cell and mask threshold; one per cell for random weights."""
    rows = []
    outputs = {cell: result.outputs for cell, result in results.items() if result.outputs}
    comparisons: dict[tuple[str, int], MaskComparison] = {}
    for cell in cells:
        network = files.networks[cell.network]
        cost: Row = {**vars(cell), "trained": network.trained, "device": plain["device"]}
        cost |= results[cell].row()
        masks: list[Row] = [{}]
        if cell in outputs:
            key = (cell.network, cell.rebin)
            if key not in comparisons:
                spec = replace(network.spec, rebin=cell.rebin)
                comparison = MaskComparison(files.frames, spec, outputs, plain["margin"])
                comparisons = {key: comparison}  # frees the masks of the last network
            thresholds = plain["mask_thresh"] or [network.spec.mask_thresh]
            masks = [comparisons[key].row(cell, threshold) for threshold in thresholds]
        rows += [cost | row for row in masks]
    return rows


def describe_machine(device: str, results: Mapping[BenchmarkCell, CellResult]) -> str:
    """Return processor, threads and torch version, for the header of a table."""
    path = Path("/proc/cpuinfo")
    match = re.search(r"model name\s*:\s*(.+)", path.read_text()) if path.is_file() else None
    cpu = match.group(1) if match else platform.processor() or platform.machine()
    if device != "cpu":
        cpu = f"{torch.cuda.get_device_name(device)}; {cpu}"
    threads = {run["threads"] for result in results.values() for run in result.runs}
    return f"{cpu}, {'/'.join(map(str, sorted(threads)))} threads, torch {torch.__version__}"
