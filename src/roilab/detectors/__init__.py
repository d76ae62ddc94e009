"""Detectors: planes, channels, ticks and geometry."""
