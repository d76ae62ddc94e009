"""Peak memory and time of every cell, and what it changes in the masks: the table."""

import logging
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import Progress

from roilab.benchmark.export_variants import Form
from roilab.benchmark.grid import Cell, check_cells, grid
from roilab.benchmark.images import Scene, scene
from roilab.benchmark.masks import Comparison, MaskJudge
from roilab.benchmark.networks import Candidate, candidates
from roilab.benchmark.process import MeasurementError
from roilab.benchmark.subprocess_runner import WORKER, run_apart
from roilab.benchmark.tables import save_costs, show_costs
from roilab.detectors.readout import Readout
from roilab.errors import RoilabError

log = logging.getLogger(__name__)
Row = dict[str, Any]


@dataclass
class Measured:
    """What the processes of one cell answered.

    Attributes:
        runs: an answer a process.
        outputs: files of the probability of every frame; empty where masks mean nothing.
        failed: how a process ended that did not answer; ``None`` where all did.
    """

    runs: list[Mapping[str, Any]] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    failed: str | None = None

    def row(self) -> Row:
        """Median and spread (largest minus smallest) of what was measured."""
        row: Row = {"repeats": len(self.runs)}
        seconds = [value for run in self.runs for value in run["seconds"]]
        row |= {"threads": self.runs[0]["threads"] if self.runs else None}
        for name in ("peak_mb", "loaded_mb", "gpu_peak_mb", "gpu_reserved_mb"):
            row |= _summary(name, [run[name] for run in self.runs if name in run])
        return row | _summary("seconds", seconds) | {"failed": self.failed}


def cost_study(config: DictConfig) -> None:
    """Measure every cell, compare its masks, and write tables and figures.

    Args:
        config: composed from ``conf/benchmark.yaml``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    setting, found = prepare(config, plain)
    cells = grid(plain, [candidate.name for candidate in found])
    by_name = {candidate.name: candidate for candidate in found}
    forms: Mapping[str, Form] = instantiate(config.forms, _convert_="all")
    with TemporaryDirectory(prefix="roilab-benchmark-") as scratch:
        files = Files(Path(scratch), setting, by_name, forms)
        measured = measure_all(cells, files, plain)
        rows = judged_rows(cells, measured, files, plain)
    about = {"machine": machine(plain["device"], measured), "shape": setting.shape}
    about |= {"frames": [image.source.name for image, _ in setting.frames]}
    folder = Path(plain["run_dir"])
    save_costs(rows, {str(cell): part.runs for cell, part in measured.items()}, about, folder)
    show_costs(rows, about, folder)


def prepare(config: DictConfig, plain: Mapping[str, Any]) -> tuple[Scene, list[Candidate]]:
    """Check the configuration, cheapest first, and get networks and frames ready."""
    readout = Readout.from_config(plain["data"])
    low, high = readout.ranges[plain["data"]["planes"][0]]
    check_cells(plain, high - low)
    found = candidates(plain)
    for candidate in found:
        others = [rebin for rebin in plain["rebin"] if rebin != candidate.spec.rebin]
        if candidate.trained and others:
            log.warning(
                "%s was trained at rebin %d; at %s its masks show what changes, not how good it "
                "could be.",
                candidate.name,
                candidate.spec.rebin,
                ", ".join(map(str, others)),
            )
    return scene(plain, instantiate(config.physics), found), found


class Files:
    """TorchScript files and images, written when the first cell needs them.

    Args:
        folder: where to.
        scene: what the networks are fed.
        networks: by name.
        forms: by name.
    """

    def __init__(
        self,
        folder: Path,
        scene: Scene,
        networks: Mapping[str, Candidate],
        forms: Mapping[str, Form],
    ) -> None:
        self.folder, self.scene, self.networks, self.forms = folder, scene, networks, forms
        self._written: dict[Any, Path] = {}

    def module(self, cell: Cell) -> Path:
        """The TorchScript file that a cell runs."""
        if cell.file not in self._written:
            # A folder each: an export writes more files than one, and none over another.
            path = self.folder / f"model-{len(self._written)}" / "model.ts"
            path.parent.mkdir()
            module = self.networks[cell.network].at(cell.rebin)
            self.forms[cell.form].write(module, path, cell.precision)
            self._written[cell.file] = path
        return self._written[cell.file]

    def images(self, cell: Cell) -> list[Path]:
        """The images that it is fed: one of every frame, or one of noise."""
        candidate = self.networks[cell.network]
        spec = candidate.spec
        paths = []
        for number in range(max(1, len(self.scene.frames))):
            key = (number, spec.layers, spec.input_scale, cell.rebin)
            if key not in self._written:
                path = self.folder / f"image-{len(self._written)}.npy"
                np.save(path, self.scene.image(number, candidate, cell.rebin))
                self._written[key] = path
            paths.append(self._written[key])
        return paths

    def outputs(self, number: int, cell: Cell) -> list[Path]:
        """Where a cell's probabilities go; nowhere for a network of random weights."""
        if not self.networks[cell.network].trained:
            return []
        return [self.folder / f"out-{number}-{n}.npy" for n in range(len(self.scene.frames))]


def measure_all(
    cells: Sequence[Cell], files: Files, plain: Mapping[str, Any]
) -> dict[Cell, Measured]:
    """Run every cell once, then all of them again, so that noise meets all of them alike.

    Raises:
        MeasurementError: no cell came to its end.
    """
    measured = {cell: Measured() for cell in cells}
    with Progress() as progress:
        task = progress.add_task("Measuring", total=len(cells) * plain["repeats"])
        for repeat in range(plain["repeats"]):
            for number, (cell, part) in enumerate(measured.items()):
                progress.update(task, description=str(cell))
                if part.failed is None:
                    outputs = files.outputs(number, cell) if repeat == 0 else []
                    _measure(cell, part, files, outputs, plain)
                progress.advance(task)
    if all(part.failed for part in measured.values()):
        cell, part = next(iter(measured.items()))
        raise MeasurementError(f"{cell}: {part.failed}; no cell could be measured.")
    return measured


def _measure(
    cell: Cell, part: Measured, files: Files, outputs: list[Path], plain: Mapping[str, Any]
) -> None:
    job: dict[str, Any] = {"nchunks": cell.nchunks, "outputs": [str(path) for path in outputs]}
    job |= {name: plain[name] for name in ("warmup", "events", "threads", "device")}
    try:
        job["module"] = str(files.module(cell))
        job["images"] = [str(path) for path in files.images(cell)]
        part.runs.append(run_apart(WORKER, job))
    except RoilabError as error:  # also of an export that refuses this network
        part.failed = str(error)
        log.warning("%s: not measured: %s", cell, error)
    else:
        part.outputs += outputs


def judged_rows(
    cells: Sequence[Cell],
    measured: Mapping[Cell, Measured],
    files: Files,
    plain: Mapping[str, Any],
) -> list[Row]:
    """A row for every cell and mask threshold; one where masks mean nothing."""
    rows = []
    outputs = {cell: part.outputs for cell, part in measured.items() if part.outputs}
    comparisons: dict[tuple[str, int], Comparison] = {}
    for cell in cells:
        candidate = files.networks[cell.network]
        cost: Row = {**vars(cell), "trained": candidate.trained, "device": plain["device"]}
        cost |= measured[cell].row()
        masks: list[Row] = [{}]
        if cell in outputs:
            key = (cell.network, cell.rebin)
            if key not in comparisons:
                judge = MaskJudge(files.scene, cell.rebin, candidate.spec)
                comparisons = {key: Comparison(judge, outputs, plain["margin"])}
            thresholds = plain["mask_thresh"] or [candidate.spec.mask_thresh]
            masks = [comparisons[key].row(cell, threshold) for threshold in thresholds]
        rows += [cost | row for row in masks]
    return rows


def _summary(name: str, values: Sequence[float]) -> Row:
    if not values:
        return {name: None, f"{name}_spread": None}
    return {name: statistics.median(values), f"{name}_spread": max(values) - min(values)}


def machine(device: str, measured: Mapping[Cell, Measured]) -> str:
    """Processor, threads and torch, for the head of a table."""
    path = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*:\s*(.+)", path.read_text()) if path.is_file() else None
    cpu = named.group(1) if named else platform.processor() or platform.machine()
    if device != "cpu":
        cpu = f"{torch.cuda.get_device_name(device)}; {cpu}"
    threads = {run["threads"] for part in measured.values() for run in part.runs}
    return f"{cpu}, {'/'.join(map(str, sorted(threads)))} threads, torch {torch.__version__}"
