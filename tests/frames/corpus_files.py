"""Frame files of a very small detector, written without roilab: what the kinds of corpus.py change.

The detector has 16 channels an anode (U 4, V 6, W 6) and 40 ticks. Event 100 has APA 1, with global
ids from 16.
"""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

PER_APA, TICKS, EVENT = 16, 40, 100
FIRST = PER_APA
PLANE = (FIRST + 4, FIRST + 10)  # V
START_NS, TICK_NS = -1000.0, 500.0


@dataclass(frozen=True)
class Tag:
    """Three arrays as they are stored."""

    frame: Any
    channels: Any
    tickinfo: Any = field(default_factory=lambda: np.array([START_NS, TICK_NS, 0.0]))

    def arrays(self) -> dict[str, Any]:
        return {"frame": self.frame, "channels": self.channels, "tickinfo": self.tickinfo}


Tags = dict[str, Tag]


def dense(seed: int, columns: int = TICKS) -> np.ndarray:
    """Return integers from 1 to 99, which every sample type holds."""
    return np.random.default_rng(seed).integers(1, 100, (PER_APA, columns)).astype(np.float32)


IDS = np.arange(FIRST, FIRST + PER_APA, dtype=np.int32)


def rec_tags() -> Tags:
    """Return a dense and a sparse layer; the sparse one starts at tick 7."""
    sparse = Tag(dense(2)[3:9, :20], IDS[3:9], np.array([START_NS, TICK_NS, 7.0]))
    return {"loose_lf1": Tag(dense(1), IDS), "mp2_roi1": sparse}


def tru_tags() -> Tags:
    """Return the truth, which starts 3 ticks before the readout."""
    early = np.array([START_NS - 3 * TICK_NS, TICK_NS, 0.0])
    return {"deposplat1": Tag(dense(3, 44)[2:12], IDS[2:12], early)}


def base_images() -> dict[str, np.ndarray]:
    """Return the images of plane V, placed by hand."""
    images = {name: np.zeros((6, TICKS), np.float32) for name in ("loose_lf", "mp2_roi", "truth")}
    images["loose_lf"][:] = dense(1)[4:10]
    images["mp2_roi"][0:5, 7:27] = dense(2)[4:9, :20]
    images["truth"][:] = dense(3, 44)[4:10, 3:43]
    return images


def changed(tags: Tags, tag: str, **arrays: Any) -> Tags:
    """Return the tags with other arrays of one of them."""
    return {**tags, tag: replace(tags[tag], **arrays)}


def write_h5(path: Path, events: Mapping[Any, Tags], **options: Any) -> Path:
    """Write one group an event; an array ``None`` is left out."""
    with h5py.File(path, "w") as file:
        for event, tags in events.items():
            group = file.create_group(str(event))
            for tag, stored in tags.items():
                for kind, array in stored.arrays().items():
                    if array is not None:
                        group.create_dataset(
                            f"{kind}_{tag}", data=array, **(options if kind == "frame" else {})
                        )
    return path


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def members(events: Mapping[Any, Tags], folder: str = "") -> dict[str, bytes]:
    """Return the members of an archive by name."""
    return {
        f"{folder}{kind}_{tag}_{event}.npy": npy(array)
        for event, tags in events.items()
        for tag, stored in tags.items()
        for kind, array in stored.arrays().items()
        if array is not None
    }


def write_zip(path: Path, content: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return path


def write_tar(path: Path, content: Mapping[str, bytes], compression: str, **options: Any) -> Path:
    with tarfile.open(path, f"w:{compression}", **options) as file:  # type: ignore[call-overload]
        for name, data in content.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return path


ENDINGS = {
    ".npz": None, ".zip": None, ".tar": "", ".tar.gz": "gz", ".tgz": "gz", ".tar.bz2": "bz2",
    ".tbz2": "bz2", ".tar.xz": "xz", ".txz": "xz",
}  # fmt: skip


def write_archive(path: Path, content: Mapping[str, bytes]) -> Path:
    """Write an archive; the ending of its name chooses the packing."""
    compression = max((e for e in ENDINGS if path.name.endswith(e)), key=len)
    packing = ENDINGS[compression]
    return write_zip(path, content) if packing is None else write_tar(path, content, packing)


def write(path: Path, tags: Tags, event: Any = EVENT, **options: Any) -> Path:
    """Write one event in the container that the ending of the name chooses."""
    if path.suffix in (".h5", ".hdf5"):
        return write_h5(path, {event: tags}, **options)
    return write_archive(path, members({event: tags}))
