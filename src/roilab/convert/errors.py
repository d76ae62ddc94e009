"""Errors of a conversion."""

from roilab.errors import RoilabError


class ConvertError(RoilabError):
    """Frames cannot be converted as the user wants."""
