"""Write the depositions of events as input of a job of the Wire-Cell Toolkit (WCT).

Source: sio/src/DepoFileSource.cxx. For event N an archive holds ``depo_data_N.npy``, shape
(group, 7), float32: time [ns], charge [electrons, negative], x, y, z [mm], width along and across
the drift [mm]; and ``depo_info_N.npy``, shape (group, 4), int32: number, particle (PDG), generation
(0), number of the next generation (0).
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roilab.atomic_write import atomic_write
from roilab.simulate.chain import Simulation
from roilab.simulate.depositions import Depositions
from roilab.simulate.file_jobs import FileJob


@dataclass(frozen=True)
class DepoJob(FileJob):
    """The events of one file of depositions."""

    @property
    def paths(self) -> list[Path]:  # noqa: D102
        return [self.output_dir / f"depos-{self.number}.npz"]

    @property
    def names(self) -> Mapping[str, str]:  # noqa: D102
        return {"depos": self.paths[0].name}

    def run(self) -> None:  # noqa: D102
        simulation, seed = Simulation.from_config(self.config), self.config["seed"]
        (path,) = self.paths
        with (
            atomic_write(path) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        ):
            for index in self.events:
                arrays = depo_arrays(simulation.generate(index, seed).depositions)
                for kind, array in zip(("data", "info"), arrays, strict=True):
                    name = f"depo_{kind}_{self.config['first_event'] + index}.npy"
                    with archive.open(name, "w", force_zip64=True) as stream:
                        np.lib.format.write_array(stream, array, allow_pickle=False)


def depo_arrays(depositions: Depositions) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the arrays ``depo_data`` (group, 7) and ``depo_info`` (group, 4), in order of time."""
    order = np.argsort(depositions.time_ns, kind="stable")
    count = len(order)
    data = np.zeros((count, 7), np.float32)
    data[:, 0] = depositions.time_ns[order]
    data[:, 1] = -depositions.electrons[order]  # WCT counts the charge of an electron as -1
    data[:, 2:5] = depositions.position[order]
    info = np.zeros((count, 4), np.int32)
    info[:, 0] = np.arange(count)
    return data, info
