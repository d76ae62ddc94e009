"""Samples of tracks and showers of known angle with charges that can be added by hand."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roilab.frames import FrameWriter
from tiny_frames import PER_APA, START_NS, TICK_NS, TICKS


def pulse_frames(channels: slice, dead: int) -> dict[str, NDArray[np.float32]]:
    """Make frames with a pulse of 1, 3, 5, 3 and 1 ke at ticks 202 to 206, without noise.

    The deconvolved charge is the truth, except in the first ``dead`` channels, where it is 0;
    ``gauss`` is half of the deconvolved charge.
    """
    truth = np.zeros((PER_APA, TICKS), np.float32)
    truth[channels, 202:207] = [1000, 3000, 5000, 3000, 1000]
    decon = truth.copy()
    decon[channels.start : channels.start + dead] = 0
    frames = dict.fromkeys(("mp2_roi", "mp3_roi"), np.zeros_like(truth))
    return {**frames, "loose_lf": truth, "decon_charge": decon, "gauss": decon / 2,
            "deposplat": truth}  # fmt: skip


def write_sample(folder: Path, events: list[dict[str, object]]) -> None:
    """Write frames and ``meta.json`` of events given by ``channels``, ``dead`` and truth keys."""
    rec_path, tru_path = folder / "g4-rec-0.h5", folder / "g4-tru-0.h5"
    meta_events = []
    with FrameWriter(rec_path) as rec, FrameWriter(tru_path) as tru:
        for number, event in enumerate(events):
            frames = pulse_frames(event.pop("channels"), event.pop("dead"))  # type: ignore[arg-type]
            for tag, samples in frames.items():
                writer = tru if tag == "deposplat" else rec
                channels = np.arange(PER_APA, 2 * PER_APA)
                writer.add(number, f"{tag}1", samples, channels, START_NS, TICK_NS)
            meta_events.append(
                {"event": number, "plane": "v", "tracks": [{"kind": "line"}], **event}
            )
    (folder / "meta.json").write_text(json.dumps({"common": {}, "events": meta_events}))
