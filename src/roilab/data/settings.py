"""Settings of the data: the keys of ``conf/data``, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from roilab.data.dataset import TruthSpec
from roilab.data.files import DataConfigError, FileSelection, Stage
from roilab.data.image_index import ImageSpec, PlaneSelection
from roilab.data.images import PadUnit, check_rebin
from roilab.detectors import Readout


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """Settings of the data; every attribute is a key of ``conf/data``.

    Attributes:
        detector: the detector's config, as plain containers; see ``Readout.from_config``.
        dir: folder of the frame files.
        rec: pattern of the reconstruction files; the ``*`` pairs them with ``tru``.
        tru: pattern of the truth files.
        train_files: names or patterns of reconstruction files to train on, in ``dir`` or with a
            path; ``None`` for all in ``dir`` that are not named for validation or test.
        val_files: the same for validation; ``None`` to split off training events.
        test_files: the same for test; ``None`` for no test.
        samples: folders of tracks or showers of known angle, each with a ``meta.json``, on which
            the callback ``PhysicsMetrics`` evaluates the network.
        val_fraction: part of the training events split off where ``val_files`` is ``None``.
        split_seed: seed of that split.
        shuffle_seed: seed of the order of training images, which changes every epoch.
        layers: input tags without APA number, in the network's order.
        truth: truth tags; the first that a file has is taken.
        planes: names of the planes to take, each its own image.
        stack: join the planes along the channel axis as one image.
        channel_range: half-open channel range of the one plane in ``planes``, relative to the
            anode; ``None`` for the entire plane.
        tick_range: half-open range of ticks; ``None`` for all ticks of the detector.
        apas: anode numbers; ``None`` for all in the files.
        first_channel: id of the anode's first channel; ``None`` to find it from the files.
        rebin: ticks per slice.
        channel_rebin: channels per row.
        normalization: ``scalar`` (``input_scale``) or ``layer`` (mean and width of every layer
            over the training events, kept in the network's module).
        input_scale: factor on the charge, with ``scalar``.
        threshold: of the truth mask [electrons/tick], strict.
        pad: by how much the truth mask is extended in time, on both sides.
        pad_unit: ``bins`` or ``ticks``.
        batch_size: images per batch.
        num_workers: processes that load batches.
        pin_memory: ``None`` for true if there is a GPU.
        cache: arguments of ``ImageCache``, for prepared images on disk; ``None`` to read the
            frames every time.

    Raises:
        RoilabError: (its subclasses too) settings contradict each other.
    """

    detector: Mapping[str, Any] | None
    dir: str
    rec: str
    tru: str
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
        named: dict[Stage, Sequence[str] | None] = {
            "train": self.train_files,
            "val": self.val_files,
            "test": self.test_files,
        }
        return FileSelection(Path(self.dir).expanduser(), self.rec, self.tru, named)

    @property
    def selection(self) -> PlaneSelection:
        """Planes and anodes to take."""
        apas = tuple(str(apa) for apa in self.apas or ())
        return PlaneSelection(tuple(self.planes), self.stack, apas)

    @property
    def image_spec(self) -> ImageSpec:
        """Contents of a prepared image."""
        layers, readout = tuple(self.layers), self.readout
        return ImageSpec(layers, readout.truth, readout.tick_range, self.rebin, self.channel_rebin)

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
