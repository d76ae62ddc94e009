"""A small liquid-argon TPC simulation: depositions, drift, response and noise, signal processing.

The way of the data, one stage a module: a *generator* (``cosmic``, ``tracks``, ``showers``) frees
electrons (``charge``); they drift (``drift``) through the ``detector``; ``truth`` shows where they
arrive; ``response`` and ``noise`` make ADC counts of them; ``signal_processing`` makes charge of
those, ``roi`` finds regions in it and ``coincidence`` compares the planes. ``event`` runs one
event, ``sample`` many.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.simulate.errors import SimulationError

__all__ = ["SimulationError", "make_sample"]


def make_sample(
    config: Mapping[str, Any], folder: Path, processes: int = 1, progress: bool = True
) -> None:
    """Simulate a sample into a folder, or what it lacks of it.

    Args:
        config: plain container of the configuration group ``simulation``.
        folder: where ``g4-rec-N.h5``, ``g4-tru-N.h5`` and ``meta.json`` go. It may be absent,
            empty, or hold an interrupted or complete sample of the same configuration.
        processes: simulate this many files at a time.
        progress: show a progress bar.

    Raises:
        SimulationError: the configuration makes no sense, or the folder holds other files.
    """
    # Imported here, so that naming this function does not load scipy and h5py.
    from roilab.simulate.production import Sample

    Sample(config, Path(folder)).make(processes, progress)
