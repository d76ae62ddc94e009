"""Event displays: panels, waveforms, comparisons and interactive pages of one plane event."""
