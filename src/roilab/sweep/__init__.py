"""Sweeps: jobs that are recorded, run one after another or side by side, and can be resumed.

The calls run in one line: ``roilab.train.__main__`` -> ``job`` -> ``roilab.train.run`` in this
process, or ``processes`` -> ``rank`` -> ``roilab.train.run`` in new ones.
"""
