"""Images by which an export in int8 is calibrated and compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from roilab.data import RoiDataModule
from roilab.data.settings import DataSettings

_MOST_CALIBRATED, _MOST_COMPARED = 8, 4


@dataclass(frozen=True)
class Calibration:
    """Images of shape (1, layer, channel, slice), scaled as in the training.

    Attributes:
        images: of the calibration.
        compared: of other events.
    """

    images: Sequence[torch.Tensor]
    compared: Sequence[torch.Tensor]


def read_calibration(recipe: Mapping[str, Any], folder: Path) -> Calibration:
    """Read up to eight images for the calibration, and up to four of other events.

    Args:
        recipe: of the network; its data config says how images are made.
        folder: frames, named as those of the training (without its sub-folders); they need a truth.

    Raises:
        RoilabError: (its subclasses) the folder has no such frames, or fewer than two events.
    """
    names = {field.name for field in fields(DataSettings)}
    settings = {key: value for key, value in recipe["data"].items() if key in names}
    files = dict.fromkeys(("train_files", "val_files", "test_files"))
    # A class that a checkpoint names is not run.
    others: dict[str, Any] = {"samples": [], "cache": None, "reader": None}
    others |= {"num_workers": 0, "pin_memory": False, "batch_size": 1, "val_batch_size": 1}
    others |= {name: Path(settings[name]).name for name in ("rec", "tru")}
    module = RoiDataModule(**{**settings, "dir": str(folder), **files, **others})
    module.setup()
    datasets = module.dataset("train"), module.dataset("val")
    images = [
        [dataset[index]["image"][None] for index in range(min(most, len(dataset)))]
        for dataset, most in zip(datasets, (_MOST_CALIBRATED, _MOST_COMPARED), strict=True)
    ]
    return Calibration(*images)
