"""Inspection of frame files: what they hold and where tags do not fit together."""
