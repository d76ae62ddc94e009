"""``roilab search``: the best settings of a training, found by Optuna.

The calls run in one line: ``roilab.search.__main__`` -> ``run`` -> ``study`` (which trial) ->
``roilab.sweep.launch`` (its training) -> ``outputs`` (table, best settings, figure).
"""
