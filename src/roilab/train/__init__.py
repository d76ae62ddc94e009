"""Training: one run, its Lightning module, losses, checkpoints, loggers and callbacks.

The package itself is a function of the public API: ``roilab.train(["data.rebin=10"])`` runs a
training, see ``roilab.notebook.train``.
"""

from roilab.callable_package import make_callable

make_callable(__name__)
