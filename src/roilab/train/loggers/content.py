"""Contents of a log, the same for all loggers."""

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roilab.plots import CHARGE
from roilab.types import Frame, Mask, Row

Point = tuple[float, float]


@dataclass(frozen=True)
class About:
    """What a run is; logged before its first step.

    Attributes:
        name: of the run, such as ``mobilenetv3-rebin10-thr100-20261125``.
        subject: the same without what a sweep varies and without date: name of its network among
            versions.
        job_type: ``train`` or ``evaluate``.
        group: of the runs of a sweep; ``None`` for a single run.
        labels: detector, plane, network, rebin, threshold and commit.
        tags: of the user.
        command: that repeats the run; ``None`` where it is not known.
        versions: of the packages that change the numbers.
    """

    name: str
    subject: str
    job_type: str
    group: str | None
    labels: Mapping[str, str]
    tags: Sequence[str]
    command: str | None
    versions: Mapping[str, str]

    @property
    def all_tags(self) -> list[str]:
        """Labels as words, then the tags of the user, each once."""
        return list(dict.fromkeys([*self.labels.values(), *self.tags]))


@dataclass(frozen=True)
class Event:
    """A validation image with its masks; logged every few epochs, and for the best checkpoint.

    Attributes:
        name: of file, event, anode and plane.
        layer: first input layer (channel, slice), scaled charge.
        truth_mask: of it.
        roi_mask: of it, at the mask threshold.
        picture: file with all layers, probability and masks.
        caption: of the picture.
    """

    name: str
    layer: Frame
    truth_mask: Mask
    roi_mask: Mask
    picture: Path
    caption: str

    @property
    def key(self) -> str:
        """The same in every epoch, so that loggers show the epochs one after the other."""
        return f"events/{key_part(self.name)}"


@dataclass(frozen=True)
class Picture:
    """A picture in a file; logged for the best checkpoint."""

    key: str
    path: Path
    caption: str


@dataclass(frozen=True)
class AngleChart:
    """One quantity against the angle of tracks, one curve a method; logged every few epochs.

    Attributes:
        quantity: ``bias``, ``resolution``, ``inefficiency`` or ``charge_profile``.
        place: sample, plane and energy.
        curves: (angle [deg], value [%]) by name of the method (``dnn``, ``gauss``, ``ideal``).
    """

    quantity: str
    place: str
    curves: Mapping[str, Sequence[Point]]

    @property
    def key(self) -> str:
        """The same in every epoch."""
        return f"angles/{self.quantity}/{key_part(self.place)}"

    @property
    def label(self) -> str:
        """Quantity and unit."""
        return CHARGE[self.quantity]


@dataclass(frozen=True)
class Table:
    """Rows with the same columns; logged every few epochs."""

    key: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Model:
    """The exported network; logged at the end.

    Attributes:
        name: the same for all versions of a network.
        files: TorchScript file, metadata, model card, node configuration.
        aliases: of this version.
        metadata: of the network, with its metrics and verdict.
    """

    name: str
    files: Sequence[Path]
    aliases: Sequence[str]
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class DataSet:
    """The frame files of a run, by reference; logged before the first step.

    Attributes:
        name: of their folder.
        folder: that contains them.
        files: paths, each once.
        metadata: detector, planes, numbers of files and images by stage.
    """

    name: str
    folder: Path
    files: Sequence[Path]
    metadata: Mapping[str, Any]


def as_text(rows: Sequence[Row]) -> str:
    """Return rows as the text of a CSV table."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def name_in(folder: Path, path: Path) -> str:
    """Return the name of a file of a data set: its path below the folder of the data set.

    The file name alone may not be unique: ``train/g4-rec-0.h5`` and ``val/g4-rec-0.h5``. Frames of
    prepared images can lie in any folder; their name is the absolute path without the first ``/``.
    """
    path = path.absolute()
    start = folder.absolute() if path.is_relative_to(folder.absolute()) else path.anchor
    return path.relative_to(start).as_posix()


def key_part(text: str) -> str:
    """Return a text as a part of a key or of a file's name."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")


def angle_charts(rows: Sequence[Row]) -> list[AngleChart]:
    """Return the charts of a table of charge metrics: of every sample, plane, energy and quantity.

    A quantity without any value has none, such as the charge profile of tracks.
    """
    places: dict[str, list[Row]] = {}
    for row in rows:
        energy = "" if row["energy"] is None else f"-{row['energy']:g}MeV"
        places.setdefault(f"{row['sample']}-{row['plane']}{energy}", []).append(row)
    charts = []
    for place, found in places.items():
        for quantity in CHARGE:
            curves: dict[str, list[Point]] = {}
            for row in sorted(found, key=lambda one: one["theta_xz"]):
                if math.isfinite(row[quantity]):
                    curves.setdefault(row["method"], []).append((row["theta_xz"], row[quantity]))
            if curves:
                charts.append(AngleChart(quantity, place, curves))
    return charts


def mean_numbers(rows: Sequence[Row], network: str) -> dict[str, float]:
    """Return the network's metrics, means over all places: one number each for a sweep to compare.

    The bias enters with its size: positive and negative ones would cancel.
    """
    sizes = {
        "physics/bias_size": [abs(row["bias"]) for row in rows if row["method"] == network],
        **{
            f"physics/{name}": [row[name] for row in rows if row["method"] == network]
            for name in ("resolution", "inefficiency", "roi_purity")
        },
    }
    finite = {name: [v for v in values if math.isfinite(v)] for name, values in sizes.items()}
    return {name: sum(values) / len(values) for name, values in finite.items() if values}


def best_of(name: str) -> str | None:
    """Return whether the best value of a logged number is its ``min`` or its ``max``.

    ``None`` for numbers of which neither is better.
    """
    stage, _, metric = name.partition("/")
    if stage in ("train", "val", "physics"):
        small = ("loss", "bias_size", "resolution", "inefficiency")
        return "min" if metric in small else "max"
    return None
