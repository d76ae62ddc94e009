"""Which events of which frame files go into which new file."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roilab.convert.choice import Choice
from roilab.convert.errors import ConvertError
from roilab.frames import ending_of, open_frames, shown_tags
from roilab.frames.names import shown_events


@dataclass(frozen=True)
class EventCopy:
    """One event of a frame file, and its number in the new file."""

    frames: Path
    event: int
    number: int


@dataclass(frozen=True)
class NewFile:
    """A file to write."""

    path: Path
    events: list[EventCopy] = field(default_factory=list)


@dataclass(frozen=True)
class Input:
    """A frame file: its events that are kept."""

    path: Path
    events: tuple[int, ...]


def plan_files(paths: Sequence[Path], plain: Mapping[str, Any], choice: Choice) -> list[NewFile]:
    """Return the files to write; only the lists of events and tags are read.

    Args:
        paths: of the frame files.
        plain: configuration composed from ``conf/convert.yaml``.
        choice: tags to keep.

    Raises:
        ConvertError: no event or tag is left, an event would be twice in a file, or a new file
            would replace one of the frame files.
        FrameFileError: (its subclasses too) a file cannot be read.
    """
    inputs = [one for one in _read_inputs(paths, plain, choice) if one.events]
    size, first = plain["events_per_file"], plain["first_event"]
    copies, count = [], 0
    for one in inputs:
        for event in one.events:
            copies.append(EventCopy(one.path, event, event if first is None else first + count))
            count += 1
    if size is None:
        files = _one_for_each(inputs, copies, plain)
    else:
        folder, ending = Path(plain["output_dir"]), plain["container"]
        files = [
            NewFile(folder / f"{plain['name']}-{number}.{ending}", copies[begin : begin + size])
            for number, begin in enumerate(range(0, len(copies), size))
        ]
    _check(files, paths)
    return files


def _read_inputs(
    paths: Sequence[Path], plain: Mapping[str, Any], choice: Choice
) -> Iterator[Input]:
    """Yield the frame files with the events to keep."""
    wanted, seen, tags = plain["events"], set(), set()
    for path in paths:
        with open_frames(path, plain["reader"]) as frames:
            seen |= set(frames.events)
            events = [event for event in frames.events if wanted is None or event in wanted]
            tags |= {tag for event in events for tag in frames.tags(event)}
        yield Input(path, tuple(events))
    if not seen:
        raise ConvertError(f"{paths[0]}: the frame files hold no event; name others.")
    missing = [event for event in wanted or () if event not in seen]
    if missing:
        raise ConvertError(
            f"events={wanted}: no file holds event {missing[0]}; they hold "
            f"{shown_events(sorted(seen))}. Name some of these."
        )
    unknown = [name for name in choice.tags or () if not _names_a_tag(name, tags)]
    if unknown or not any(choice.keeps(tag) for tag in tags):
        what = f"tag '{unknown[0]}'" if unknown else "tag of these anodes"
        raise ConvertError(
            f"{paths[0]}: there is no {what} in the {len(paths)} files; they have "
            f"{shown_tags(sorted(tags))}. Correct tags and apas."
        )


def _names_a_tag(name: str, tags: set[str]) -> bool:
    return any(tag == name or tag.rstrip("0123456789") == name for tag in tags)


def _one_for_each(
    inputs: Sequence[Input], copies: Sequence[EventCopy], plain: Mapping[str, Any]
) -> list[NewFile]:
    """Return a new file for every frame file, in the same folders below ``output_dir``."""
    places = [Path(os.path.abspath(one.path)) for one in inputs]
    common = os.path.commonpath([place.parent for place in places])
    files = []
    for one, place in zip(inputs, places, strict=True):
        name = f"{place.name.removesuffix(ending_of(place.name))}.{plain['container']}"
        path = Path(plain["output_dir"]) / place.parent.relative_to(common) / name
        files.append(NewFile(path, [copy for copy in copies if copy.frames == one.path]))
    return files


def _check(files: Sequence[NewFile], paths: Sequence[Path]) -> None:
    """Check that no new file is a frame file or another new file, and holds no event twice."""
    read, written = {path.resolve() for path in paths}, set()
    for file in files:
        if file.path.resolve() in read:
            raise ConvertError(
                f"{file.path}: is one of the frame files and would be replaced; choose another "
                "output_dir or container."
            )
        if file.path in written:
            raise ConvertError(
                f"{file.path}: two frame files would become this one; convert them in two commands "
                "with different output_dir, or join them with events_per_file."
            )
        written.add(file.path)
        numbers: dict[int, Path] = {}
        for copy in file.events:
            if copy.number in numbers:
                raise ConvertError(
                    f"{file.path}: event {copy.number} is in {numbers[copy.number]} and in "
                    f"{copy.frames}; expected different ids in a file. Number the events anew with "
                    "first_event=0, or set events_per_file=1."
                )
            numbers[copy.number] = copy.frames
