"""Compare two runs by the files in their folders."""
