"""The command line around Hydra: help, completion, mistyped keys, ``~`` in paths.

Nothing here imports Hydra or torch. ``conf_file`` reads a YAML file with its comments; ``keys``
merges the files of a command as Hydra does, which takes a tenth of the time; ``help_page``,
``completion`` and ``mistakes`` use the result.
"""
