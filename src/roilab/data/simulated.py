"""Frames that are simulated on first use."""

from collections.abc import Mapping
from typing import Any

from filelock import FileLock

from roilab.data.datamodule import RoiDataModule
from roilab.simulation import make_sample


class SimulatedDataModule(RoiDataModule):
    """A data module whose folder is filled by roilab's own simulation where it is not yet.

    Args:
        simulation: what ``roilab.simulation.make_sample`` takes.
        **data: all that ``RoiDataModule`` takes.
    """

    def __init__(self, *, simulation: Mapping[str, Any], **data: Any) -> None:
        super().__init__(**data)
        self.simulation = simulation

    def prepare_data(self) -> None:
        """Simulate the frames that are not there yet, then fill the cache."""
        self.dir.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.dir.parent / f".{self.dir.name}.lock"):
            make_sample(self.simulation, self.dir, processes=max(1, self.num_workers))
        super().prepare_data()
