"""roilab: regions of interest in LArTPC wire-plane images, from frame files to a network in WCT.

The names of ``__all__`` are the public API; they are imported on first use, so that
``import roilab`` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roilab.api import charge_metrics, load, open

__version__ = "0.1.0"
__all__ = ["charge_metrics", "load", "open"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("roilab.api"), name)
    raise AttributeError(f"module 'roilab' has no attribute '{name}'")
