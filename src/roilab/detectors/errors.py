"""Errors of detector configurations."""

from roilab.errors import RoilabError


class DetectorError(RoilabError):
    """A detector's configuration is incomplete or has an impossible value."""
