"""Table printed at the end of a sweep."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rich.table import Table
from rich.text import Text

from roilab.console import table_console
from roilab.sweep.folder import Sweep
from roilab.sweep.status import Status, StatusError, read_status
from roilab.verdict import Kind, Verdict

_WORDS = ("job", "state", "verdict")  # columns that hold no number
_BEST_FIRST = (Kind.BETTER, Kind.EQUAL, Kind.MIXED, Kind.WORSE)


def print_summary(sweep: Sweep) -> bool:
    """Print state and results of every job, and how to resume; return whether all are finished."""
    folders = sweep.job_folders()
    jobs = [_read(folder) for folder in folders]
    metric = next((s.results.optimized_metric for s in jobs if s and s.results), None)
    table = Table(title=str(sweep.output_dir), title_justify="left")
    for column in (*_WORDS, metric or "val/loss", "epochs", "time [s]", "memory [MB]"):
        table.add_column(column, justify="left" if column in _WORDS else "right")
    for folder, status in zip(folders, jobs, strict=True):
        table.add_row(folder.name, *_cells(status, metric or "val/loss"))
    console = table_console()
    console.print(table)
    verdicts = {
        folder.name: verdict
        for folder, status in zip(folders, jobs, strict=True)
        if status and status.results
        if (verdict := Verdict.from_plain(status.results.verdict)) is not None
    }
    if advice := choose_job(verdicts):
        console.print(advice, soft_wrap=True, highlight=False, markup=False)
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


def choose_job(verdicts: Mapping[str, Verdict]) -> str:
    """Return which job to take by the verdicts, if one is the best; empty without comparisons.

    Args:
        verdicts: of the jobs that have one, by name.
    """
    compared = {name: one for name, one in verdicts.items() if one.kind in _BEST_FIRST}
    for kind in _BEST_FIRST:
        names = [name for name, verdict in compared.items() if verdict.kind is kind]
        if len(names) == 1 and len(compared) > 1 and kind is not Kind.WORSE:
            (name,) = names
            return f"take this one: {name}, because it alone is {kind.value}. " + (
                compared[name].sentence
            )
        if names and len(compared) > 1:
            return f"no job is the best: {len(names)} are {kind.value}: {', '.join(names)}"
    return ""


def _read(folder: Path) -> Status | None:
    with suppress(StatusError):
        return read_status(folder)
    return None


def _cells(status: Status | None, metric: str) -> list[str | Text]:
    if status is None:
        return ["missing", "", "", "", "", ""]
    results = status.results
    if results is None:
        return [status.state, "", "", "", f"{status.seconds:.1f}", ""]
    value = results.metrics.get(metric)
    verdict = Verdict.from_plain(results.verdict)
    return [
        status.state,
        "" if verdict is None else Text(verdict.kind.value, verdict.colour),
        "" if value is None else f"{value:.4f}",
        str(results.epochs),
        f"{status.seconds:.1f}",
        f"{sum(results.memory_mb.values()):.0f}",
    ]
