"""A small simulation of a liquid-argon TPC: depositions, drift, response, noise, signal processing.

One stage a module, in the order of the data: a generator (``cosmic``, ``tracks``, ``showers``,
``scattered``, or a ``mixture`` of them) frees electrons (``depositions``, ``ionisation``,
``cascade``, ``placement``); ``drift`` takes them to the wires; ``truth`` writes where they arrive;
``response`` (with ``field``) and ``noise`` turn them into ADC counts; ``signal_processing`` (with
``filters``) turns those into charge; ``roi`` finds regions of interest (``roi_formation``,
``roi_refinement``); ``coincidence`` compares the planes. ``variation`` changes the detector, but
not what the signal processing assumes of it. ``chain`` runs one event through the stages that a
``request`` needs, ``production`` writes many events to files (``file_jobs``,
``write_frames``).

The package itself is a function of the public API: ``roilab.simulate("tracks", detector="small")``
returns planes in memory, see ``roilab.notebook.simulate``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.callable_package import make_callable
from roilab.simulate.errors import SimulationError

__all__ = ["SimulationError", "make_sample"]

make_callable(__name__)


def make_sample(
    config: Mapping[str, Any], output_dir: Path, processes: int = 1, progress: bool = True
) -> None:
    """Simulate a sample of events; files that are already complete are kept.

    Args:
        config: configuration group ``simulation`` as a plain container.
        output_dir: folder for ``g4-rec-N.h5``, ``g4-tru-N.h5`` and ``meta.json``. It is absent,
            empty, or holds an interrupted or complete sample of the same configuration.
        processes: number of files to simulate at a time.
        progress: show a progress bar.

    Raises:
        SimulationError: a setting cannot be used, or the folder holds other files.
    """
    # Imported here, so that `import roilab.simulate` does not load scipy and h5py.
    from roilab.simulate.file_jobs import simulating_processes
    from roilab.simulate.production import Production

    production = Production(config, Path(output_dir))
    with simulating_processes(processes) as run_jobs:
        production.run(run_jobs, progress)
