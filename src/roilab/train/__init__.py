"""Training: one run, its Lightning module, losses, checkpoints, loggers and callbacks."""
