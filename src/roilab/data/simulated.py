"""Frames that are simulated on first use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from roilab.data.datamodule import RoiDataModule
from roilab.simulate import make_sample


class SimulatedDataModule(RoiDataModule):
    """A data module whose folders are filled by roilab's own simulation where they are not yet.

    Args:
        simulation: of the events to learn from, in ``dir``; what ``roilab.simulate.make_sample``
            takes.
        judged_simulations: samples of known angle by name, simulated in folders beside ``dir``
            (``demo`` has its ``tracks`` in ``demo_tracks``) and added to ``judged_samples``.
        **data: all that ``RoiDataModule`` takes.
    """

    def __init__(
        self,
        *,
        simulation: Mapping[str, Any],
        judged_simulations: Mapping[str, Mapping[str, Any] | None] | None,
        **data: Any,
    ) -> None:
        super().__init__(**data)
        judged = {
            self.dir.parent / f"{self.dir.name}_{name}": config
            for name, config in (judged_simulations or {}).items()
            if config is not None
        }
        self._to_simulate = [(self.dir, simulation), *judged.items()]
        self.judged_samples += judged

    def prepare_data(self) -> None:
        """Simulate the frames that are not there yet, then fill the cache."""
        while self._to_simulate:
            self._simulate(*self._to_simulate[0])
            del self._to_simulate[0]
        super().prepare_data()

    def _simulate(self, folder: Path, simulation: Mapping[str, Any]) -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            make_sample(simulation, folder, processes=max(1, self.num_workers))
