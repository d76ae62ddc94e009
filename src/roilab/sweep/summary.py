"""Table printed at the end of a sweep."""

from contextlib import suppress
from pathlib import Path

from rich.table import Table

from roilab.console import table_console
from roilab.sweep.folder import Sweep
from roilab.sweep.status import Status, StatusError, read_status


def print_summary(sweep: Sweep) -> bool:
    """Print state and results of every job, and how to resume; return whether all are finished."""
    folders = sweep.job_folders()
    jobs = [_read(folder) for folder in folders]
    metric = next((s.results.optimized_metric for s in jobs if s and s.results), None)
    table = Table(title=str(sweep.output_dir), title_justify="left")
    for column in ("job", "state", metric or "val/loss", "epochs", "time [s]", "memory [MB]"):
        table.add_column(column, justify="left" if column in ("job", "state") else "right")
    for folder, status in zip(folders, jobs, strict=True):
        table.add_row(folder.name, *_cells(status, metric or "val/loss"))
    console = table_console()
    console.print(table)
    for folder, status in zip(folders, jobs, strict=True):
        if status is not None and status.error is not None:
            console.print(f"{folder.name}: {status.error}", soft_wrap=True, markup=False)
    unfinished = [status for status in jobs if status is None or status.state != "finished"]
    if unfinished:
        console.print(
            f"{len(unfinished)} of {len(folders)} jobs are not finished; to go on, give the same "
            f"command with sweep.resume={sweep.output_dir}",
            soft_wrap=True,
            highlight=False,
        )
    return not unfinished


def _read(folder: Path) -> Status | None:
    with suppress(StatusError):
        return read_status(folder)
    return None


def _cells(status: Status | None, metric: str) -> list[str]:
    if status is None:
        return ["missing", "", "", "", ""]
    results = status.results
    if results is None:
        return [status.state, "", "", f"{status.seconds:.1f}", ""]
    value = results.metrics.get(metric)
    return [
        status.state,
        "" if value is None else f"{value:.4f}",
        str(results.epochs),
        f"{status.seconds:.1f}",
        f"{sum(results.memory_mb.values()):.0f}",
    ]
