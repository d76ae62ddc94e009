"""Run one conversion: plan, copy tag by tag, report."""

import glob
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from roilab.atomic_write import remove_leftovers
from roilab.console import text_console
from roilab.convert.choice import Choice
from roilab.convert.plan import EventCopy, NewFile, plan_files
from roilab.frames import FrameFile, FrameWriter, open_frames, shown
from roilab.frames.writer import compression_of
from roilab.freed_memory import return_freed_memory
from roilab.interruption import Interrupted
from roilab.predict.jobs import find_frames


@dataclass
class _Report:
    """What was written, and what could not be."""

    tags: int = 0
    sample_bytes: int = 0
    summaries: list[str] = field(default_factory=list)  # lost, in a container without a place
    slices: list[str] = field(default_factory=list)  # that became ticks
    empty: list[str] = field(default_factory=list)  # events without a tag
    others: dict[Path, list[str]] = field(default_factory=dict)  # other contents, by file


def convert(config: DictConfig) -> None:
    """Convert the frame files that the user named.

    Args:
        config: composed from ``conf/convert.yaml``.

    Raises:
        RoilabError: (its subclasses) a setting does not fit, or a file is damaged; complete files
            are kept.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    began = time.perf_counter()
    choice = Choice.from_config(plain)
    paths = find_frames(plain["frames"], plain["in_folder"])
    files = plan_files(paths, plain, choice)
    report = _write_files(files, choice, plain)
    _print(files, report, plain, time.perf_counter() - began)


def _write_files(files: Sequence[NewFile], choice: Choice, plain: Mapping[str, Any]) -> _Report:
    """Write the files with a progress bar."""
    columns = (TextColumn("converting"), BarColumn(), MofNCompleteColumn(), TextColumn("events"))
    report, inputs, complete = _Report(), _OneOpenFile(plain["reader"]), 0
    try:
        with inputs, Progress(*columns, TimeRemainingColumn()) as bar:
            task = bar.add_task("", total=sum(len(file.events) for file in files))
            for file in files:
                # What a killed run left of this file.
                remove_leftovers(file.path.parent, glob.escape(file.path.name))
                with FrameWriter(file.path) as writer:
                    for copy in file.events:
                        frames = inputs.open(copy.frames)
                        copy_event(frames, copy, writer, choice, report)
                        return_freed_memory()
                        bar.advance(task)
                complete += 1
    except Interrupted as end:
        end.note = f"{complete} of {len(files)} files are complete and kept."
        raise
    return report


class _OneOpenFile:
    """The frame file that was read last, kept open for its next event."""

    def __init__(self, reader: Mapping[str, Any] | None) -> None:
        self._reader, self._open = reader, ExitStack()
        self._frames: FrameFile | None = None

    def open(self, path: Path) -> FrameFile:
        if self._frames is None or self._frames.path != path:
            self._open.close()
            self._frames = self._open.enter_context(open_frames(path, self._reader))
        return self._frames

    def __enter__(self) -> "_OneOpenFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()


def copy_event(
    frames: FrameFile, copy: EventCopy, writer: FrameWriter, choice: Choice, report: _Report
) -> None:
    """Copy the chosen tags of one event, one after another."""
    tags = [tag for tag in frames.tags(copy.event) if choice.keeps(tag)]
    for tag in tags:
        _copy_tag(frames, tag, copy, writer, choice, report)
    if not tags:
        report.empty.append(f"{frames.path.name} event {copy.event}")
    if frames.path not in report.others:
        report.others[frames.path] = [f"{frames.path.name}: {shown(n)}" for n in frames.others()]


def _copy_tag(
    frames: FrameFile,
    tag: str,
    copy: EventCopy,
    writer: FrameWriter,
    choice: Choice,
    report: _Report,
) -> None:
    """Copy one tag; its samples are freed before those of the next one are read."""
    info = frames.info(copy.event, tag)
    rows, columns = choice.rows(frames, copy.event, info, tag), choice.columns(info)
    samples = frames.read_rows(copy.event, tag, rows, columns)
    summary = frames.summary(copy.event, tag)
    clock = (info.start_ns, info.tick_ns, info.tbin + columns[0])
    kept = None if summary is None else summary[rows]
    writer.add(copy.number, tag, samples, info.channels[rows], *clock, summary=kept)
    report.tags += 1
    report.sample_bytes += samples.nbytes
    name = f"{frames.path.name} event {copy.event} {shown(tag)}"
    if kept is not None and not writer.holds_summaries:
        report.summaries.append(name)
    if info.rebin > 1:
        report.slices.append(name)


def _print(
    files: Sequence[NewFile], report: _Report, plain: Mapping[str, Any], seconds: float
) -> None:
    """Print what was written, and what the new files do not hold."""
    size, disk = report.sample_bytes / 1e6, sum(file.path.stat().st_size for file in files) / 1e6
    events = sum(len(file.events) for file in files)
    lines = [
        f"{len(files)} files with {events} events and {report.tags} tags written to "
        f"{plain['output_dir']}: {size:.1f} MB of samples, {disk:.1f} MB on disk "
        f"({plain['container']}, {compression_of(plain['container'])}), in {seconds:.1f} s "
        f"({size / seconds:.1f} MB/s)."
    ]
    others = [name for names in report.others.values() for name in names]
    for names, text in (
        (report.summaries, "Summaries of tags are lost, HDF5 frame files have no place for them"),
        (report.slices, "Samples that were rebinned before are repeated for each of their ticks"),
        (report.empty, "Events without a chosen tag are not in the new files"),
        (others, "Not copied, because it is no frame"),
    ):
        if names:
            shown_names = f"{', '.join(names[:4])}{', ...' * (len(names) > 4)}"
            lines.append(f"{text}: {shown_names} ({len(names)}).")
    for line in lines:
        text_console().print(line)
