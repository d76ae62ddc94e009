"""Inspect frame files: contents, and differences between tags."""
