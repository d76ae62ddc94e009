"""HTML pages of runs and sweeps, made from the files in their folders; needs no torch."""
