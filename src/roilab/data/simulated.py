"""Data that are simulated on first use."""

from collections.abc import Mapping
from typing import Any

from filelock import FileLock

from roilab.data.datamodule import RoiDataModule
from roilab.frames import META_FILE
from roilab.simulate.file_jobs import simulating_processes
from roilab.simulate.production import Production


class SimulatedDataModule(RoiDataModule):
    """Data module that simulates its frames if they do not exist yet.

    Args:
        simulation: configuration of the events in ``dir``, see ``roilab.simulate.make_sample``.
        simulated_samples: configurations of samples of known angle, by name. They are simulated
            into folders next to ``dir`` (``tracks`` of ``demo`` into ``demo_tracks``) and added to
            ``samples``; ``None``, also for a single one, to leave them out.
        **settings: the keys of ``conf/data``, see ``DataSettings``.
    """

    def __init__(
        self,
        *,
        simulation: Mapping[str, Any],
        simulated_samples: Mapping[str, Mapping[str, Any] | None] | None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        folder = self.settings.files.dir
        samples = {
            folder.parent / f"{folder.name}_{name}": config
            for name, config in (simulated_samples or {}).items()
            if config is not None
        }
        self._main = (folder, simulation)
        self._to_simulate = [self._main, *samples.items()]
        self.samples += samples

    def make_frames(self) -> None:
        """Simulate the frames that do not exist yet."""
        with simulating_processes(max(1, self.settings.num_workers)) as run_jobs:
            while self._to_simulate:
                folder, simulation = self._to_simulate[0]
                folder.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(folder.parent / f".{folder.name}.lock"):
                    Production(simulation, folder).run(run_jobs, progress=True)
                del self._to_simulate[0]

    def prepare_data(self) -> None:
        """Simulate the frames that do not exist yet, then fill the cache."""
        self.make_frames()
        super().prepare_data()

    def events_to_simulate(self) -> int | None:
        """Return the number of events of the folder, ``None`` where it is complete."""
        folder, simulation = self._main
        if (folder / META_FILE).is_file():
            return None
        return int(simulation["events"])
