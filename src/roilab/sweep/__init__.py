"""Sweeps: jobs that are recorded, isolated where they must be, and resumed.

Nothing here but ``job`` and ``rank`` imports torch.
"""
