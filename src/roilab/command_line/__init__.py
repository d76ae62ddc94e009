"""The command line around Hydra: help, completion, mistyped keys, ``~`` in paths.

``conf_file`` reads a YAML file with its comments; ``keys`` merges the files of a command as Hydra
does, in a tenth of the time; ``help_page``, ``completion`` and ``mistakes`` use the result. Nothing
here imports Hydra or torch; only ``paths``, for composed configurations, imports OmegaConf.
"""
