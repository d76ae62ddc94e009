"""What can be wrong with a frame file."""

from roilab.errors import RoilabError


class FrameFileError(RoilabError):
    """A frame file is absent, of another format, or broken."""


class MissingTagError(FrameFileError):
    """No event of a file holds the tag that was asked for."""


class EventMismatchError(FrameFileError):
    """The events of a reconstruction file and its truth file do not correspond."""


class ChannelRangeError(FrameFileError):
    """Channels were asked for that a file does not have."""


class TickAxisError(FrameFileError):
    """Two tags cannot be placed on one tick axis."""


class BadChargeError(FrameFileError):
    """A frame holds NaN or infinite samples."""
