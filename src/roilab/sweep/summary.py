"""Table printed at the end of a sweep."""

from contextlib import suppress
from pathlib import Path

from rich.table import Table
from rich.text import Text

from roilab.console import table_console
from roilab.errors import RoilabError
from roilab.sweep.folder import Sweep
from roilab.sweep.status import Status, StatusError, read_status
from roilab.verdict import Verdict

_WORDS = ("job", "state", "verdict")  # columns that hold no number


def print_summary(sweep: Sweep) -> bool:
    """Print state and results of every job, which to take, the page's path, and how to resume.

    Returns whether all jobs are finished.
    """
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
    if sweep.report and folders:
        for text in _write_report(sweep.output_dir):
            console.print(text, soft_wrap=True, highlight=False)
    for folder, status in zip(folders, jobs, strict=True):
        if status is not None and status.error is not None:
            console.print(f"{folder.name}: {status.error}", soft_wrap=True)
    unfinished = [status for status in jobs if status is None or status.state != "finished"]
    if unfinished:
        console.print(
            f"{len(unfinished)} of {len(folders)} jobs are not finished; to go on, give the same "
            f"command with sweep.resume={sweep.output_dir}",
            soft_wrap=True,
            highlight=False,
        )
    return not unfinished


def _write_report(folder: Path) -> list[str]:
    """Write the page of a sweep; return which job to take and the path, or why there is no page."""
    from roilab.report.choice import choose_run
    from roilab.report.find import find_runs
    from roilab.report.summary_page import write_summary_page
    from roilab.report.swept_settings import find_swept_settings

    try:
        runs = find_runs([folder])
        choice = choose_run(runs, find_swept_settings(runs).title)
        return [choice.sentence, f"page on this sweep: {write_summary_page(runs, folder)}"]
    except (RoilabError, OSError) as error:
        return [f"no page could be written: {error}"]


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
