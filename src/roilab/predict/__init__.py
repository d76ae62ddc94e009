"""Apply a network to frames without truth: ROIs of many files, written to frame files."""
