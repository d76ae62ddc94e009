"""Folder of prepared images that describes itself, in ``prepared.json``."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import roilab
from roilab.atomic_write import write_text
from roilab.data.image_index import ImageSource
from roilab.data.settings import DataSettings
from roilab.detectors.detector import PLANE_NAMES
from roilab.detectors.readout import readout_config
from roilab.errors import RoilabError
from roilab.frames import FilePair, Window

DESCRIPTION = "prepared.json"
_FORMAT = 1  # of the description
_COMPARED = ("layers", "truth", "rebin", "channel_rebin", "stack", "channel_range")


class PreparedSetError(RoilabError):
    """A folder of prepared images is damaged, incomplete, or of other settings."""


@dataclass(frozen=True)
class PreparedSource(ImageSource):
    """An image that is stored in a folder of prepared images."""

    key: str  # of its record, 32 hexadecimal digits

    @classmethod
    def of(cls, source: ImageSource, key: str) -> "PreparedSource":
        """Return a source with the key of its record."""
        return cls(**{f.name: getattr(source, f.name) for f in fields(ImageSource)}, key=key)


@dataclass(frozen=True)
class PreparedSet:
    """What a folder of prepared images holds.

    Attributes:
        settings: those of ``conf/data`` that an image depends on.
        detector: its name, for messages.
        complete: whether all images are stored.
        sources: of the images, in order of file, event, anode and plane.
        left_out: error message of every event that could not be prepared, by its name.
    """

    settings: Mapping[str, Any]
    detector: str
    complete: bool
    sources: Sequence[PreparedSource]
    left_out: Mapping[str, str]

    @property
    def pairs(self) -> list[FilePair]:
        """Frame files of the images, in their order."""
        return list(dict.fromkeys(source.pair for source in self.sources))

    @property
    def events(self) -> int:
        """Number of events."""
        return len({source.event_key for source in self.sources})

    @property
    def planes(self) -> list[str]:
        """Names of the planes, ``U+V`` for stacked ones."""
        return list(dict.fromkeys(source.plane for source in self.sources))

    def write(self, folder: Path) -> None:
        """Write ``prepared.json``."""
        numbers = {pair: number for number, pair in enumerate(self.pairs)}
        content = {
            "format": _FORMAT,
            "roilab": roilab.__version__,
            "complete": self.complete,
            "detector": self.detector,
            "settings": self.settings,
            "planes": self.planes,
            "n_events": self.events,
            "n_images": len(self.sources),
            "left_out": self.left_out,
            "files": [_plain_pair(pair) for pair in numbers],
            "images": [_plain_source(source, numbers[source.pair]) for source in self.sources],
        }
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
        lines.append(f'"checksum": "{_checksum(content)}"')
        write_text(folder / DESCRIPTION, "{\n" + ",\n".join(lines) + "\n}\n")


def image_settings(settings: DataSettings) -> dict[str, Any]:
    """Return the settings that a prepared image depends on, as plain data."""
    plain = {
        "detector": readout_config(vars(settings))["detector"],
        "tick_range": settings.readout.tick_range,
        **{name: getattr(settings, name) for name in _COMPARED},
    }
    content: dict[str, Any] = json.loads(json.dumps(plain))
    return content


def read_prepared_set(folder: Path) -> PreparedSet:
    """Read ``prepared.json``.

    Raises:
        PreparedSetError: it is absent, damaged, or of another version.
    """
    path = folder / DESCRIPTION
    try:
        content: Any = json.loads(path.read_text())
        written = content.pop("checksum", None)
        if content["format"] != _FORMAT:
            raise PreparedSetError(
                f"{path}: has format {content['format']}, but this version of roilab reads "
                f"{_FORMAT}. Prepare the frames again in another folder, or use roilab "
                f"{content.get('roilab', 'of another version')}."
            )
        if written != _checksum(content):
            raise ValueError("its checksum does not fit")
        return _parse(content)
    except FileNotFoundError as error:
        raise PreparedSetError(
            f"{path}: is absent; expected a folder that roilab prepare has written. Name such a "
            "folder with data.dir=FOLDER, or choose data of frames."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PreparedSetError(
            f"{path}: is damaged ({error}). Copy it again, or remove it and prepare the frames "
            "again into its folder."
        ) from error


def check_settings(prepared: PreparedSet, settings: DataSettings, folder: Path) -> None:
    """Check that images were prepared with the settings of a configuration.

    Raises:
        PreparedSetError: some differ; the message names all of them.
    """
    wanted = image_settings(settings)
    differing = [key for key, value in wanted.items() if prepared.settings.get(key) != value]
    if not differing:
        return
    theirs = _show(prepared.settings, differing, prepared.detector)
    ours = _show(wanted, differing, detector_name(settings))
    raise PreparedSetError(
        f"{folder}: its images were prepared with {theirs}, but the configuration has {ours}. "
        "Give the values of the images, or prepare the frames again in another folder."
    )


def detector_name(settings: DataSettings) -> str:
    """Return the name of the detector; it may have none."""
    return str((settings.detector or {}).get("name", "without a name"))


def _show(settings: Mapping[str, Any], keys: Sequence[str], detector: str) -> str:
    """Return settings as on the command line; the detector by name and size."""
    texts = []
    for key in keys:
        value = settings.get(key)
        text = json.dumps(value, separators=(",", ":")).replace('"', "")
        if key == "detector" and isinstance(value, Mapping):
            channels = "+".join(str(value[plane]["channels"]) for plane in PLANE_NAMES)
            texts.append(f"detector {detector} ({channels} channels, {value['nticks']} ticks)")
        else:
            texts.append(f"data.{key}={text}")
    return ", ".join(texts)


def _checksum(content: Mapping[str, Any]) -> str:
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain_pair(pair: FilePair) -> list[str | None]:
    return [str(pair.rec), str(pair.tru), None if pair.dir is None else str(pair.dir)]


def _plain_source(source: PreparedSource, pair: int) -> list[Any]:
    event = [pair, source.rec_event, source.tru_event, source.apa, source.plane]
    window = [source.window.channels, source.window.ticks]
    return [*event, source.channel_ranges, source.truth_tag, window, source.key]


def _parse(content: Mapping[str, Any]) -> PreparedSet:
    pairs = [
        FilePair(Path(rec), Path(tru), None if folder is None else Path(folder))
        for rec, tru, folder in content["files"]
    ]
    windows: dict[str, Window] = {}  # few, shared by many images
    sources = []
    for pair, event, tru_event, apa, plane, channels, tag, window, key in content["images"]:
        bytes.fromhex(key)
        text = str(window)
        if text not in windows:
            windows[text] = Window(*map(tuple, window))
        ranges = tuple(map(tuple, channels))
        event_and_place = (pairs[pair], event, tru_event, apa, plane, ranges, tag, windows[text])
        sources.append(PreparedSource(*event_and_place, key))
    return PreparedSet(
        content["settings"], content["detector"], content["complete"], sources, content["left_out"]
    )
