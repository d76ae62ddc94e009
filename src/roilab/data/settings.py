"""Settings of the data: the keys of ``conf/data``, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from roilab.config.rules import check_ranges, select_files
from roilab.data.augment import AugmentSpec
from roilab.data.crops import CropSpec
from roilab.data.dataset import TruthSpec
from roilab.data.image_index import ImageSpec, PlaneSelection
from roilab.data.images import PadUnit
from roilab.detectors import Readout
from roilab.frames.selection import FileSelection


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
    val_batch_size: int
    crop: Mapping[str, Any]
    augment: Mapping[str, Any]
    num_workers: int
    pin_memory: bool | None
    cache: Mapping[str, Any] | None
    on_error: Literal["stop", "skip"]

    def __post_init__(self) -> None:
        check_ranges(vars(self))

    @cached_property
    def readout(self) -> Readout:
        """Where the planes lie in the frames."""
        return Readout.from_config(vars(self))

    @property
    def files(self) -> FileSelection:
        """Frame files by stage."""
        return select_files(vars(self))

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
    def crop_spec(self) -> CropSpec | None:
        """Size and choice of the crops; ``None`` for training on complete images."""
        return None if self.crop["per_image"] is None else CropSpec(**self.crop)

    @property
    def augment_spec(self) -> AugmentSpec | None:
        """Random changes of training images; ``None`` for none."""
        spec = AugmentSpec(**self.augment)
        return spec if spec.changes else None

    @property
    def layer_scale(self) -> float:
        """Factor on the charge of the layers in a training item."""
        return self.input_scale if self.normalization == "scalar" else 1.0
