"""Memory step by step: of a job that roilab runs, or from the log of a WCT job."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from omegaconf import DictConfig
from rich.progress import Progress

from roilab.atomic_write import save_figure, write_csv, write_text
from roilab.benchmark.costs import BenchmarkFiles, prepare
from roilab.benchmark.frames import plain_config
from roilab.benchmark.grid import BenchmarkCell, grid
from roilab.benchmark.process import MeasurementError
from roilab.benchmark.subprocess_runner import MEMORY_WORKER, WorkerError, run_in_subprocess
from roilab.benchmark.tables import markdown_table, text_table
from roilab.benchmark.wct_log import read_wct_log
from roilab.building import build
from roilab.console import table_console
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import NetworkSpec
from roilab.plots import memory_figure
from roilab.types import Row

_SEGMENT_COLUMNS = ("start_mb", "end_mb", "change_mb", "peak_mb")
_ROW_COLUMNS = ("segment", "before_mb", "after_mb", "change_mb")
_STEP_COLUMNS = ("times", "change_mb", "largest_mb")


def run_memory_study(config: DictConfig) -> None:
    """Measure the memory of a job after each step; write tables and a figure.

    ``conf/benchmark.yaml`` with ``study=memory`` documents the configuration.

    Raises:
        RoilabError: (its subclasses too) a mistake in the configuration or its files.
    """
    plain = plain_config(config)
    if plain["log"] is not None:
        path = Path(plain["log"])
        steps = read_wct_log(path, plain["log_segment"])
        several = steps[-1]["job"] > 1
        rows = [
            {"cell": f"{path.name}, job {step['job']}" if several else path.name, **step}
            for step in steps
        ]
    else:
        rows = _measure_jobs(config, plain)
    for row in rows:
        row["change_mb"] = row["after_mb"] - row["before_mb"]
    output_dir = Path(plain["run_dir"])
    save_memory(rows, output_dir)
    show_memory(rows, output_dir)


def _measure_jobs(config: DictConfig, plain: Mapping[str, Any]) -> list[Row]:
    """Run the job of every cell in a new process; return the rows of its steps."""
    if not plain["segments"]:
        raise MeasurementError(
            "segments=[]: names no plane event; name some, such as [APA4-V,APA4-U]."
        )
    frames, networks = prepare(config, plain)
    cells = grid(plain, [network.name for network in networks])
    rows = []
    with TemporaryDirectory(prefix="roilab-benchmark-") as scratch, Progress() as progress:
        variants = build("variants", config.variants)
        files = BenchmarkFiles(Path(scratch), frames, networks, variants)
        frame = Path(scratch) / "frame.npz"
        task = progress.add_task("Measuring", total=len(cells))
        for cell in cells:
            progress.update(task, description=str(cell))
            job = _job(cell, files.networks[cell.network].spec, frames.physics, plain)
            tags = frames.first_frames([*job["layers"], job["decon_charge"]])
            np.savez(frame, **tags)  # type: ignore[arg-type]
            job |= {"module": str(files.module(cell)), "frame": str(frame)}
            try:
                steps = run_in_subprocess(MEMORY_WORKER, job)
            except WorkerError as error:
                raise MeasurementError(f"{cell}: {error}; nothing was measured.") from error
            rows += [{"cell": str(cell), **step} for step in steps]
            progress.advance(task)
    return rows


def _job(
    cell: BenchmarkCell, spec: NetworkSpec, physics: PhysicsSettings, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the job of ``memory_worker.run_job``, without its files."""
    scale, mask_thresh = spec.input_scale, spec.mask_thresh
    node = physics.node_settings(cell.rebin, scale, mask_thresh, nchunks=cell.nchunks)
    job = {key: plain[key] for key in ("segments", "keep_frames", "threads", "device")}
    return job | {"layers": spec.layers, "decon_charge": physics.decon_charge, "node": vars(node)}


def segment_rows(rows: Sequence[Row]) -> list[Row]:
    """Return start, end, change and peak of every segment, in order of time."""
    segments: list[Row] = []
    for row in rows:
        last = segments[-1] if segments else None
        if last is None or (last["cell"], last["segment"]) != (row["cell"], row["segment"]):
            last = {"cell": row["cell"], "segment": row["segment"], "start_mb": row["before_mb"]}
            segments.append(last | {"peak_mb": row["after_mb"]})
            last = segments[-1]
        last["end_mb"] = row["after_mb"]
        last["change_mb"] = last["end_mb"] - last["start_mb"]
        last["peak_mb"] = max(last["peak_mb"], row["after_mb"], row.get("peak_mb") or 0)
    return segments


def step_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the sums over the job for every kind of step, in order of first appearance."""
    steps: dict[tuple[str, str, str], Row] = {}
    for row in rows:
        key = (row["cell"], row.get("component", ""), row["step"])
        names = dict(zip(("cell", "component", "step"), key, strict=True))
        empty = {"times": 0, "change_mb": 0.0, "largest_mb": row["change_mb"]}
        total = steps.setdefault(key, {**names, **empty})
        total["times"] += 1
        total["change_mb"] += row["change_mb"]
        total["largest_mb"] = max(total["largest_mb"], row["change_mb"])
    return list(steps.values())


def save_memory(rows: Sequence[Row], output_dir: Path) -> None:
    """Write ``steps.csv``, ``segments.csv``, ``totals.csv``, ``memory.md`` and the figure."""
    segments, totals = segment_rows(rows), step_rows(rows)
    write_csv(output_dir / "steps.csv", rows)
    write_csv(output_dir / "segments.csv", segments)
    write_csv(output_dir / "totals.csv", totals)
    write_text(output_dir / "memory.md", _page(rows, segments, totals))
    path = output_dir / "figures" / "memory.png"
    save_figure(path, memory_figure(rows, "Resident memory of the job"), dpi=150)


def _page(rows: Sequence[Row], segments: Sequence[Row], totals: Sequence[Row]) -> str:
    parts = []
    # A log has printed increments and no peaks.
    step_columns = (*_ROW_COLUMNS, "printed_mb" if "printed_mb" in rows[0] else "peak_mb")
    for cell in dict.fromkeys(row["cell"] for row in rows):
        parts.append(f"## {cell}")
        for title, key, table, columns in (
            ("segment", "segment", segments, _SEGMENT_COLUMNS),
            ("step, all segments together", "step", totals, _STEP_COLUMNS),
            ("step", "step", rows, step_columns),
        ):
            selected = [row for row in table if row["cell"] == cell]
            header, *lines = _lines(title, key, selected, columns)
            parts.append(markdown_table(header, lines))
    return "\n\n".join(parts) + "\n"


def show_memory(rows: Sequence[Row], output_dir: Path) -> None:
    """Print segments and the steps with the largest changes."""
    console = table_console()
    for cell in dict.fromkeys(row["cell"] for row in rows):
        steps = [row for row in rows if row["cell"] == cell]
        totals = sorted(step_rows(steps), key=lambda row: -abs(row["change_mb"]))
        for title, key, table, columns in (
            (f"{cell}: segments", "segment", segment_rows(steps), _SEGMENT_COLUMNS),
            ("largest changes over the job", "step", totals[:10], _STEP_COLUMNS),
        ):
            header, *lines = _lines(key, key, table, columns)
            console.print(text_table(title, header, lines))
    console.print(f"tables and figure in {output_dir}", soft_wrap=True, highlight=False)


def _lines(heading: str, key: str, rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Return the header of a table and its lines; a step's name begins with its component."""
    lines = [[heading, *(column.replace("_mb", " [MB]") for column in columns)]]
    for row in rows:
        component = row.get("component", "") if key == "step" else ""
        label = f"{component} {row[key]}".strip()
        lines.append([label, *(_number(row.get(name)) for name in columns)])
    return lines


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
