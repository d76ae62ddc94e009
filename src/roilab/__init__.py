"""roilab: regions of interest in LArTPC wire-plane images, from frame files to a network in WCT.

The names of ``__all__`` are the public API, which stays stable; docs/notebook.md explains it. They
are imported on first use, so that ``import roilab`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roilab.api import charge_metrics, load
    from roilab.notebook.frames import open
    from roilab.notebook.plot import plot
    from roilab.notebook.simulate import simulate
    from roilab.notebook.train import train

__version__ = "0.1.0"
__all__ = ["charge_metrics", "load", "open", "plot", "simulate", "train"]

# ``simulate`` and ``train`` are packages that can be called, see ``callable_package``.
_MODULES = {
    "charge_metrics": "roilab.api",
    "load": "roilab.api",
    "open": "roilab.notebook.frames",
    "plot": "roilab.notebook.plot",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    if name in __all__:
        return import_module(f"roilab.{name}")
    raise AttributeError(f"module 'roilab' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
