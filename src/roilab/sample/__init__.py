"""``roilab sample``: describe files of known angle by a pattern of their names."""
