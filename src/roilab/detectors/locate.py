"""Find the anode that the channels of a tag belong to."""

from roilab.detectors.detector import PLANE_NAMES
from roilab.detectors.known import ends_on_planes, matching_detectors
from roilab.detectors.readout import Anode, Readout
from roilab.frames.errors import ChannelRangeError
from roilab.types import IntArray


def find_anode(readout: Readout, ids: IntArray, apa: str, where: str) -> Anode:
    """Return the anode that a tag belongs to.

    Ids are global, or every anode starts as anode 0 (older files and other detectors). The
    channels of the tag decide.

    Args:
        readout: of the detector.
        ids: channels of the tag, in any order; the one with most channels decides best.
        apa: number of the anode, as tags end; empty for none.
        where: file and event, for messages.

    Raises:
        ChannelRangeError: the ids fit no numbering of the detector, or begin and end with planes of
            another known detector but not of this one.
    """
    candidates = readout.anodes(apa)
    if readout.first_channel is not None or not len(ids):
        return candidates[0]
    found = next((anode for anode in candidates if anode.holds(ids)), None)
    if found is not None and not (readout.is_complete and _is_of_another(found, ids, apa)):
        return found
    low, high = int(ids.min()), int(ids.max())
    raise ChannelRangeError(
        f"{where}: channels {low} to {high} are not those of the detector, which has "
        f"{_describe(found or candidates[0])} in anode {int(apa or 0)}. {advice(ids, apa)}"
    )


def _is_of_another(anode: Anode, ids: IntArray, apa: str) -> bool:
    """Return whether channels without gaps fit the planes of another detector, not of this one."""
    gapless = int(ids.max()) - int(ids.min()) + 1 == len(ids)
    if not gapless or ends_on_planes(anode, ids):
        return False
    return bool(matching_detectors(ids, apa, exact=True))


def advice(ids: IntArray, apa: str) -> str:
    """Return which detectors fit the channels of a tag, as a sentence for an error."""
    names = matching_detectors(ids, apa)
    if not names:
        return (
            "No detector of roilab fits; write conf/detector/NAME.yaml for it, or set "
            "data.first_channel."
        )
    fitting = names[0] if len(names) == 1 else f"one of {', '.join(names)}"
    return f"They fit detector={fitting}; choose it, or set data.first_channel."


def _describe(anode: Anode) -> str:
    """Return the channels of an anode in words."""
    if len(anode.complete) != len(PLANE_NAMES):
        low, high = anode.channels
        return f"{low} to {high - 1}"
    planes = zip(PLANE_NAMES, anode.complete, strict=True)
    return ", ".join(f"{name.upper()} {low} to {high - 1}" for name, (low, high) in planes)
