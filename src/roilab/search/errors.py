"""The error of a search."""

from roilab.errors import RoilabError


class SearchError(RoilabError):
    """A search cannot be started or continued."""
