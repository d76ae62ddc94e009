"""``python -m roilab.inspect FILE...``: contents of frame files, depositions, and networks."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from roilab.console import table_console
from roilab.frames import READABLE, FrameFile, open_frames, shown, truth_name
from roilab.inspect.depositions import Interval, is_depositions, summarize_depositions
from roilab.inspect.kinds import is_network
from roilab.inspect.summary import TagSummary, compare_pair, summarize
from roilab.plain_command import run_command

_FRAMES = tuple(f".{ending}" for ending in READABLE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for every file and the differences of every pair; return the exit code.

    It is 1 if a file cannot be read, holds bad samples, or does not fit its truth file. A network
    is a file (model.ts, .ckpt, .safetensors, their .json), the folder of a run, or a name.
    """
    parser = argparse.ArgumentParser(prog="python -m roilab.inspect", description=__doc__)
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="frame files, depositions, or networks: model.ts, a checkpoint, the folder of a run, "
        "a name",
    )
    parser.add_argument(
        "--quick", action="store_true", help="do not read samples (no sparsity, no NaN count)"
    )
    parser.add_argument("--reader", metavar="CLASS", help="import path of a FrameFile of yours")
    options = parser.parse_args(arguments)
    return run_command(lambda: _show_all(options.files, options.reader, options.quick))


def _show_all(arguments: Sequence[str], reader: str | None, quick: bool) -> int:
    """Print networks and depositions, then files of frames; return the exit code."""
    frames = []
    for argument in arguments:
        if reader is None and is_depositions(Path(argument)):
            _show_depositions(Path(argument))
            continue
        # A file of frames needs no torch, which takes seconds to import; that of a reader of the
        # user can be a folder.
        is_frames = reader is not None or Path(argument).name.endswith(_FRAMES)
        if is_frames or not _show_network(argument):
            frames.append(Path(argument))
    return _show_files(frames, reader, quick) if frames else 0


def _show_network(argument: str) -> bool:
    """Print what a network's file says; return whether the argument is a network."""
    if not is_network(argument):
        return False
    from roilab.inspect.networks import describe_network

    console, (file, facts) = table_console(), describe_network(argument)
    table = Table(title=str(file), title_justify="left", show_header=False)
    for name, value in facts.items():
        table.add_row(name, value)
    console.print(table)
    return True


def _show_depositions(path: Path) -> None:
    """Print the depositions of every event, which a job of the Wire-Cell Toolkit reads."""
    console = table_console()
    table = Table(title=f"{path}: depositions", title_justify="left")
    for heading in ("event", "groups", "electrons", "time [us]", "x [cm]", "y [cm]", "z [cm]"):
        table.add_column(heading, justify="right")
    for summary in summarize_depositions(path):
        intervals = (summary.time_us, *(summary.position_cm or (None,) * 3))
        table.add_row(
            *(str(summary.event), f"{summary.groups:,}", f"{summary.electrons:.3g}"),
            *map(_interval, intervals),
        )
    console.print(table)


def _interval(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval[0]:.1f} to {interval[1]:.1f}"


def _show_files(files: Sequence[Path], reader: str | None, quick: bool) -> int:
    """Print the tables; return the exit code."""
    console, target = table_console(), None if reader is None else {"_target_": reader}
    with ExitStack() as stack:
        opened = {path: stack.enter_context(open_frames(path, target)) for path in files}
        bad = sum(_show_file(console, frames, quick) for frames in opened.values())
        bad += sum(_show_pair(console, opened[rec], opened[tru]) for rec, tru in _pairs(files))
    return 1 if bad else 0


def _pairs(files: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Return the files that pair by name: ...rec... with ...tru... in one folder."""
    pairs = ((rec, truth_name(rec)) for rec in files)
    return [(rec, tru) for rec, tru in pairs if tru is not None and tru in files]


def _show_file(console: Console, frames: FrameFile, quick: bool) -> int:
    """Print the table of one file; return the number of NaN and infinite samples."""
    table = Table(title=str(frames.path), title_justify="left")
    numbers = ("rows", "ticks", "channels", "first tick", "start [us]", "tick [ns]", "type")
    for heading in ("event", "tag", *numbers, "non-zero", "NaN/inf"):
        table.add_column(heading, justify="left" if heading in ("event", "tag") else "right")
    bad = 0
    rebins = set()
    for summary in summarize(frames, samples=not quick):
        table.add_row(*_row(summary))
        bad += summary.bad or 0
        rebins.add(summary.info.rebin)
    console.print(table)
    for rebin in sorted(rebins - {1}):
        text = (
            f"{frames.path.name}: was rebinned before it was written: every stored sample is the "
            f"mean of {rebin} ticks. Train on it with data.rebin={rebin}."
        )
        console.print(text, highlight=False, soft_wrap=True)
    return bad


def _row(summary: TagSummary) -> list[str]:
    info = summary.info
    ids = f"{info.channels.min()}-{info.channels.max()}" if len(info.channels) else "none"
    return [
        str(summary.event),
        shown(summary.tag),
        str(len(info.channels)),
        str(info.n_columns),
        ids,
        str(info.tbin),
        f"{info.start_ns / 1e3:.3f}",
        f"{info.tick_ns:g}",
        str(info.dtype),
        "" if summary.nonzero is None else f"{100 * summary.nonzero:.2f} %",
        "" if summary.bad is None else str(summary.bad),
    ]


def _show_pair(console: Console, rec: FrameFile, tru: FrameFile) -> int:
    """Print the differences of a pair; return how many cannot be corrected."""
    differences = compare_pair(rec, tru)
    title = f"{rec.path.name} with {tru.path.name}"
    if not differences:
        console.print(f"{title}: all tags on one grid")
    for corrected, heading in (
        (True, "differences that the reader corrects"),
        (False, "differences that the reader cannot correct"),
    ):
        texts = [one.text for one in differences if one.corrected == corrected]
        if texts:
            console.print(f"{title}: {heading}")
        for text in texts:
            console.print(f"  {text}", highlight=False, soft_wrap=True)
    return sum(not one.corrected for one in differences)


if __name__ == "__main__":
    sys.exit(main())
