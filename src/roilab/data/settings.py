"""Settings of the data: the keys of ``conf/data``, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from roilab.data.dataset import TruthSpec
from roilab.data.files import DataConfigError, FileSelection
from roilab.data.image_index import ImageSpec, PlaneSelection
from roilab.data.images import PadUnit, check_rebin
from roilab.detectors import Readout


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Settings of ``conf/data/base.yaml``, which documents every key.

    Raises:
        RoilabError: (its subclasses too) settings contradict each other.
    """

    detector: Mapping[str, Any] | None
    dir: str
    rec: str
    tru: str
    reader: Mapping[str, Any] | None
    train_files: Sequence[str] | None
    val_files: Sequence[str] | None
    test_files: Sequence[str] | None
    samples: Sequence[str]
    val_fraction: float
    split_seed: int
    shuffle_seed: int
    layers: Sequence[str]
    truth: Sequence[str]
    planes: Sequence[str]
    stack: bool
    channel_range: Sequence[int] | None
    tick_range: Sequence[int] | None
    apas: Sequence[int] | None
    first_channel: int | None
    rebin: int
    channel_rebin: int
    normalization: Literal["scalar", "layer"]
    input_scale: float
    threshold: float
    pad: int
    pad_unit: PadUnit
    batch_size: int
    num_workers: int
    pin_memory: bool | None
    cache: Mapping[str, Any] | None

    def __post_init__(self) -> None:
        for plane in self.planes:
            _check_choice("data.planes", plane, tuple(self.readout.ranges))
        low, high = self.channel_range or (0, 1)
        if not 0 <= low < high or (self.channel_range is not None and len(self.planes) != 1):
            raise DataConfigError(
                f"data.channel_range={[low, high]} with data.planes={list(self.planes)}; expected "
                "a range [first, last + 1] and exactly one plane. Name one plane."
            )
        begin, end = self.readout.tick_range
        check_rebin(end - begin, self.rebin)
        for plane in self.planes:
            first, last = self.readout.ranges[plane]
            check_rebin(last - first, self.channel_rebin, "data.channel_rebin", "channels")
        _check_choice("data.normalization", self.normalization, ("scalar", "layer"))
        _check_choice("data.pad_unit", self.pad_unit, ("bins", "ticks"))

    @cached_property
    def readout(self) -> Readout:
        """Where the planes lie in the frames."""
        return Readout.from_config(vars(self))

    @property
    def files(self) -> FileSelection:
        """Frame files by stage."""
        return FileSelection(
            Path(self.dir).expanduser(),
            self.rec,
            self.tru,
            {"train": self.train_files, "val": self.val_files, "test": self.test_files},
        )

    @property
    def selection(self) -> PlaneSelection:
        """Planes and anodes to take."""
        apas = tuple(str(apa) for apa in self.apas or ())
        return PlaneSelection(tuple(self.planes), self.stack, apas)

    @property
    def image_spec(self) -> ImageSpec:
        """Contents of a prepared image."""
        layers, readout = tuple(self.layers), self.readout
        rebins = (self.rebin, self.channel_rebin)
        return ImageSpec(layers, readout.truth, readout.tick_range, *rebins, self.reader)

    @property
    def truth_spec(self) -> TruthSpec:
        """Threshold and padding of the truth mask."""
        return TruthSpec(self.threshold, self.pad, self.pad_unit)

    @property
    def layer_scale(self) -> float:
        """Factor on the charge of the layers in a training item."""
        return self.input_scale if self.normalization == "scalar" else 1.0


def _check_choice(key: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise DataConfigError(f"{key}: got '{value}'; expected one of {', '.join(choices)}.")
