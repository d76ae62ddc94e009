"""Functions of the public API that compose a configuration: simulate, train, plot.

They do in a notebook what the commands of the same names do.
"""
