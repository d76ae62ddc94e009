"""Errors of frame files."""

from roilab.errors import RoilabError


class FrameFileError(RoilabError):
    """A frame file is absent, of another format, or damaged."""


class MissingTagError(FrameFileError):
    """A file does not hold a tag."""


class EventMismatchError(FrameFileError):
    """The events of a reconstruction file and its truth file do not correspond."""


class ChannelRangeError(FrameFileError):
    """A file does not hold the channels of a plane."""


class TickAxisError(FrameFileError):
    """Two tags cannot be placed on one tick axis."""


class BadChargeError(FrameFileError):
    """A frame holds NaN or infinite samples."""


class RebinnedFileError(FrameFileError):
    """A file was rebinned before it was written, and another rebin is wanted."""
