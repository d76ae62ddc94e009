"""Rules between several keys of the configuration."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.detectors import Readout
from roilab.errors import RoilabError
from roilab.frames.selection import FileSelection, Stage


class RebinError(RoilabError):
    """The rebin does not fit the range it is applied to."""


class DataConfigError(RoilabError):
    """Settings of the data config contradict each other."""


def check_rebin(ticks: int, rebin: int) -> None:
    """Check that a range of ticks has at least one slice of ``rebin`` ticks.

    Raises:
        RebinError: it has none.
    """
    if not 1 <= rebin <= ticks:
        raise RebinError(
            f"data.rebin={rebin} is not from 1 to {ticks}, the number of ticks of the range; "
            "choose a smaller one, such as 4 or 10."
        )


def count_slices(ticks: int, rebin: int) -> int:
    """Return the number of slices of ``rebin`` ticks; the last one may lack ticks."""
    return -(-ticks // rebin)


def check_channel_rebin(channels: int, rebin: int) -> None:
    """Check that ``rebin`` divides a number of channels.

    Raises:
        RebinError: it does not; the message names the nearest divisors.
    """
    if rebin >= 1 and channels % rebin == 0:
        return
    divisors = [d for d in range(1, channels + 1) if channels % d == 0]
    below = [str(d) for d in divisors if d < rebin][-1:]
    above = [str(d) for d in divisors if d > rebin][:1]
    raise RebinError(
        f"data.channel_rebin={rebin} does not divide the range of {channels} channels; expected a "
        f"divisor, the nearest are {' and '.join(below + above)}. Choose one, or change the range."
    )


def check_ranges(data: Mapping[str, Any]) -> None:
    """Check that ranges and rebins of a data config (``conf/data``) fit its detector.

    Raises:
        RoilabError: (its subclasses) one does not, or there is no detector.
    """
    planes = list(data["planes"])
    if data["channel_range"] is not None and len(planes) != 1:
        raise DataConfigError(
            f"data.channel_range={list(data['channel_range'])} with data.planes={planes}; expected "
            "exactly one plane. Name one plane."
        )
    readout = Readout.from_config(data)
    begin, end = readout.tick_range
    check_rebin(end - begin, data["rebin"])
    rows = []
    for plane in planes:
        first, last = readout.ranges[plane]
        check_channel_rebin(last - first, data["channel_rebin"])
        rows.append((last - first) // data["channel_rebin"])
    channels = sum(rows) if data["stack"] else min(rows)
    slices = count_slices(end - begin, data["rebin"])
    _check_crop(data["crop"], channels, slices)
    _check_augment(data["augment"], data["stack"], slices)


def _check_crop(crop: Mapping[str, Any], channels: int, slices: int) -> None:
    """Check that crops fit into images of this size, and that their fractions do not exceed 1."""
    if crop["per_image"] is None:
        return
    for axis, length in {"channels": channels, "slices": slices}.items():
        if crop[axis] > length:
            raise DataConfigError(
                f"data.crop.{axis}={crop[axis]} is larger than the image, {length} {axis}; "
                f"expected at most {length}. Lower it."
            )
    if crop["signal"] + crop["prolonged"] + crop["empty"] > 1 + 1e-9:
        raise DataConfigError(
            f"data.crop.signal, prolonged and empty are {crop['signal']}, {crop['prolonged']} and "
            f"{crop['empty']}; expected a sum of at most 1. Lower one of them."
        )


def _check_augment(augment: Mapping[str, Any], stack: bool, slices: int) -> None:
    """Check that random changes fit to images of this length."""
    low, high = augment["gain"]
    if low > high:
        raise DataConfigError(
            f"data.augment.gain=[{low},{high}]; expected the smallest factor first. Exchange them."
        )
    if augment["shift"] >= slices:
        raise DataConfigError(
            f"data.augment.shift={augment['shift']} is not smaller than the image, {slices} "
            "slices. Lower it."
        )
    if stack and augment["flip"] > 0:
        raise DataConfigError(
            f"data.augment.flip={augment['flip']} with data.stack=true would change the order of "
            "the planes. Set one of them to 0 or false."
        )


def check_files(data: Mapping[str, Any]) -> None:
    """Check that the files of a data config exist, and that training and validation share none.

    Raises:
        RoilabError: (its subclasses) a file is absent or is named twice.
    """
    select_files(data).pairs()


def select_files(data: Mapping[str, Any]) -> FileSelection:
    """Return the frame files by stage of a data config (``conf/data``)."""
    stages: tuple[Stage, ...] = ("train", "val", "test")
    names = {stage: data[f"{stage}_files"] for stage in stages}
    return FileSelection(Path(data["dir"]).expanduser(), data["rec"], data["tru"], names)


def _data(config: DictConfig) -> dict[str, Any] | None:
    """Return the data config of frame files; ``None`` where the user has another data module."""
    data = config.get("data")
    if data is None or data.get("_target_") not in _DATA_MODULES:
        return None
    return OmegaConf.to_container(data, resolve=True)  # type: ignore[return-value]


_FRAMES, _PREPARED = "roilab.data.RoiDataModule", "roilab.data.PreparedDataModule"
_DATA_MODULES = (_FRAMES, _PREPARED, "roilab.data.SimulatedDataModule")


def _check_training_data(config: DictConfig) -> None:
    if data := _data(config):
        check_ranges(data)
        name = config.optimized_metric
        if name is not None and name.startswith("test/") and not data["test_files"]:
            raise DataConfigError(
                f"optimized_metric={name}: there are no test files; name data.test_files, or "
                f"optimize {name.replace('test/', 'val/')}."
            )
        _check_frames(data)


def _check_frames(data: Mapping[str, Any]) -> None:
    """Check files of frames; simulated ones are made on first use, prepared data need none."""
    if data["_target_"] == _FRAMES:
        check_files(data)


def _check_data_to_prepare(config: DictConfig) -> None:
    if data := _data(config):
        if data["_target_"] == _PREPARED:
            raise DataConfigError(
                "data=prepared: these data are prepared already; name data of frames, such as "
                "data=pdhd."
            )
        check_ranges(data)
        _check_frames(data)


def _check_metrics_are_computed(config: DictConfig) -> None:
    """Check that a metric that decides something belongs to a stage that has batches."""
    keys = {"optimized_metric": "set it to null", "scheduler.monitor": "choose scheduler=none"}
    for key, advice in keys.items():
        name = OmegaConf.select(config, key, default=None)
        for stage in ("val", "test"):
            limit = f"limit_{stage}_batches"
            if str(name).startswith(f"{stage}/") and config.trainer.get(limit) == 0:
                raise DataConfigError(
                    f"{key}={name}: trainer.{limit}=0 leaves no batch to compute it on; raise "
                    f"that limit, or {advice}."
                )


def _check_validation_events(config: DictConfig) -> None:
    """Check that there are events to choose a mask threshold on."""
    data = _data(config)
    if config.network_spec.mask_thresh != "choose" or data is None:
        return
    if data["dir"] in ("???", None):
        raise DataConfigError(
            "network_spec.mask_thresh=choose needs validation events; give data.dir (and "
            "data.val_files) of cosmic events."
        )
    _check_frames(data)


_TRAIN = (_check_training_data, _check_metrics_are_computed)
RULES: Mapping[str, Iterable[Callable[[DictConfig], None]]] = {
    "train": _TRAIN,
    "search": _TRAIN,
    "prepare": (_check_data_to_prepare,),
    "evaluate": (_check_validation_events,),
}
