"""Looking at events: what is read and computed for a picture, and which pictures there are."""

from roilab.displays.event import PlaneEvent
from roilab.displays.findings import Finding
from roilab.displays.settings import DisplayError, DisplaySettings

__all__ = ["DisplayError", "DisplaySettings", "Finding", "PlaneEvent"]
