"""Samples: tracks and showers of known angle, described in their ``meta.json``."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.data import ImageSource, ImageSpec, PlaneSelection, list_images
from roilab.detectors.readout import Readout
from roilab.evaluate.settings import EvaluationError
from roilab.frames import META_FILE, FilePair
from roilab.inference import Plane, PlaneReader

# Plane, sample, theta_xz [degrees], energy [MeV]: images that share it are evaluated together.
SampleKey = tuple[str, str, float, float | None]


@dataclass(frozen=True)
class SampleImage:
    """One plane image with a track or shower of known angle.

    Attributes:
        number: position in the sample.
        source: files, event and channels.
        sample: name of the sample's folder.
        plane: name of the plane in whose coordinates the angle is given.
        theta_xz: 0 along the pitch, 90 along the drift [degrees].
        energy: of the shower [MeV]; ``None`` for a track.
    """

    number: int
    source: ImageSource
    sample: str
    plane: str
    theta_xz: float
    energy: float | None

    @property
    def key(self) -> SampleKey:
        """The group of images that this one is evaluated in."""
        return (self.plane, self.sample, self.theta_xz, self.energy)


@dataclass(frozen=True)
class _Entry:
    """One event of a ``meta.json``."""

    pair: FilePair
    event: int
    plane: str
    theta_xz: float
    energy: float | None


def read_sample(
    folder: Path, readout: Readout, tags: tuple[str, ...], planes: Collection[str] | None
) -> list[SampleImage]:
    """List the images of a sample, in the order of its ``meta.json``.

    Args:
        folder: with ``meta.json`` and the frame files that it names.
        readout: where the planes lie.
        tags: tags that every event must have, without APA number.
        planes: names of the planes to take; ``None`` for all.

    Raises:
        EvaluationError: ``meta.json`` is absent, or has no angle, plane or truth.
        FrameFileError: (its subclasses too) a frame file lacks a tag or is damaged.
    """
    entries = _entries(folder, readout, planes)
    spec = ImageSpec(tags, readout.truth, readout.tick_range, rebin=1)
    sources: dict[tuple[FilePair, str], dict[int, ImageSource]] = {}
    images = []
    for number, entry in entries:
        key = (entry.pair, entry.plane)
        if key not in sources:
            selection = PlaneSelection((entry.plane,))
            found = list_images([entry.pair], readout, selection, spec, any_rebin=True)
            sources[key] = {source.rec_event: source for source in found}
        if entry.event not in sources[key]:
            raise EvaluationError(
                f"{folder / META_FILE}: names event {entry.event} of {entry.pair.rec.name}, which "
                f"holds {sorted(sources[key])}; write one of the two again."
            )
        source = sources[key][entry.event]
        images.append(
            SampleImage(number, source, folder.name, entry.plane, entry.theta_xz, entry.energy)
        )
    return images


def _entries(
    folder: Path, readout: Readout, planes: Collection[str] | None
) -> list[tuple[int, _Entry]]:
    """Return the chosen events, each with its position in the file."""
    path = folder / META_FILE
    try:
        events = json.loads(path.read_text())["events"]
    except FileNotFoundError as error:
        raise EvaluationError(
            f"{path}: there is no such file; expected a folder of frames with a {META_FILE} that "
            "gives the angle of every event. Name such a sample, or write the file from the names "
            "of the frame files: roilab sample FOLDER --pattern '*_xz{theta_xz}_*.h5' --plane V."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(
            f"{path}: cannot be read ({error!r}); expected JSON with a list 'events'. Write it "
            "again."
        ) from error
    if not events:
        raise EvaluationError(f"{path}: names no event; name a sample that has some.")
    chosen = [
        (number, event)
        for number, event in enumerate(events)
        if planes is None or event.get("plane") is None or str(event["plane"]).upper() in planes
    ]
    return [(number, _entry(event, folder, readout)) for number, event in chosen]


def _entry(event: Mapping[str, Any], folder: Path, readout: Readout) -> _Entry:
    where = f"{folder / META_FILE}: event {event.get('event')}"
    missing = [key for key in ("event", "plane", "theta_xz") if event.get(key) is None]
    if missing:
        raise EvaluationError(
            f"{where} has no {' and no '.join(missing)}; expected the angle of its track or "
            "shower in one plane. Name a sample of tracks or showers of known angle (cosmic "
            "events choose the mask threshold, they are no sample)."
        )
    plane = str(event["plane"]).upper()
    if plane not in readout.ranges:
        raise EvaluationError(
            f"{where}: plane '{event['plane']}' is none of {', '.join(readout.ranges)}; choose "
            "the data config of the sample's detector."
        )
    energy = _energy(event, where)
    pair = _pair(event, folder, where)
    return _Entry(pair, int(event["event"]), plane, float(event["theta_xz"]), energy)


def _energy(event: Mapping[str, Any], where: str) -> float | None:
    showers = [track for track in event.get("tracks", ()) if track.get("kind") == "shower"]
    if not showers:
        return None
    if showers[0].get("E_MeV") is None:
        raise EvaluationError(f"{where}: its shower has no E_MeV; add its energy.")
    return float(showers[0]["E_MeV"])


def _pair(event: Mapping[str, Any], folder: Path, where: str) -> FilePair:
    """Return the files that an event names, or else the only ones in the folder."""
    paths = []
    for kind, what in (("rec", "reconstruction"), ("tru", "truth")):
        named = event.get(kind)
        found = [folder / named] if named else _frame_files(folder, kind)
        if len(found) != 1 or not found[0].exists():
            got = ", ".join(str(path) for path in found) or "none"
            raise EvaluationError(
                f"{where} needs one {what} file; got {got}. Name the file as '{kind}' in "
                f"{META_FILE} and put it into the same folder."
            )
        paths.append(found[0])
    return FilePair(*paths)


def _frame_files(folder: Path, kind: str) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{kind}*") if path.name != META_FILE)


def read_image(
    image: SampleImage, readout: Readout, tags: Collection[str], node_tags: Collection[str]
) -> Plane:
    """Read the frames of an image.

    Args:
        image: of a sample.
        readout: where the planes lie.
        tags: to read, without APA number.
        node_tags: tags that WCT's node reads, see ``PlaneReader.read``.
    """
    source = image.source
    with PlaneReader(source.pair.rec, source.pair.tru, readout) as reader:
        return reader.read(source.rec_event, source.apa, source.plane, tags, node_tags)


def few_of_each(images: Sequence[SampleImage], most: int | None) -> list[SampleImage]:
    """Return the first images of every plane, sample, angle and energy, at most ``most`` each."""
    seen: dict[Any, int] = {}
    chosen = []
    for image in images:
        seen[image.key] = seen.get(image.key, 0) + 1
        if most is None or seen[image.key] <= most:
            chosen.append(image)
    return chosen
