"""Read the training data of SPNG, Wire-Cell's signal processing in torch: frames of slices.

``dnnroi-training-fodder.npz`` and ``dnnroi-training-truth.npz`` hold tensors
``tensor_<event>_<number>_array.npy``, rebinned in time and divided by a scale:

- fodder: a tensor (3, channel, slice) a plane, with the dense layer, mp2 and mp3; or a tensor
  (channel, slice) for each of them, whose metadata name view and feature;
- truth: a tensor (channel, slice) a plane; more than three are further parts of W.

Source: Wire-Cell Toolkit, spng/cfg/spng/dnnroi-training.jsonnet.
"""

import json
import re
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roilab.frames.array_frames import ArrayFrames, TagArrays
from roilab.frames.errors import FrameFileError
from roilab.frames.npy import read_header, read_to_end, take
from roilab.frames.regular_file import check_regular_file
from roilab.frames.tag_info import MAX_BYTES

_TENSOR = re.compile(
    r"(?:.*[/_])?tensor_(?P<set>\d{1,18})_(?P<number>\d{1,9})_(?P<kind>array|metadata)\.\w+"
)
_DATAPATH = re.compile(r".*/view/(?P<view>\d)/feature/(?P<feature>\w+)/.*")
# Tags by feature, in the order of a tensor's first axis; that of truth.
_TAGS = {"dense": "loose_lf", "mp2": "mp2_roi", "mp3": "mp3_roi"}
_TRUTH = "deposplat"
_PLANES = "UVW"
_REBIN = 4  # of SPNG's configuration, where a file does not say it
_Parts = dict[str, dict[int, list[tuple[str, int | None]]]]  # tag, plane: members and layers


def holds_tensors(path: Path) -> bool:
    """Return whether a file is a zip archive of tensors; ``False`` for one that is damaged."""
    check_regular_file(path)
    with suppress(Exception), zipfile.ZipFile(path) as archive:
        return any(_TENSOR.fullmatch(name) for name in archive.namelist())
    return False


class SpngFrames(ArrayFrames):
    """Fodder or truth of SPNG: charge is value times scale, coincidence 0 or the scale.

    Its tags are ``loose_lf``, ``mp2_roi`` and ``mp3_roi``, or ``deposplat``, without APA number;
    the channels of the anode are numbered from 0, in the order U, V, W.

    Args:
        path: of the file.
        rebin: ticks of a slice; ``None`` for ``rebin`` of the metadata, or 4 where they have none.
        scale: by which the charge [electrons/tick] was divided.
        channels: number of channels of U, V and W; needed only where a file lacks a plane that
            comes before one it has.
        tick_ns: length of a tick [ns].

    Raises:
        FrameFileError: the file is absent, truncated, or holds no such tensors.
    """

    def __init__(
        self,
        path: Path,
        rebin: int | None = None,
        scale: float = 4000.0,
        channels: Sequence[int] | None = None,
        tick_ns: float = 500.0,
    ) -> None:
        super().__init__(path)
        self._given_rebin, self._scale, self._tick_ns = rebin, scale, tick_ns
        self._channels = None if channels is None else list(channels)
        self._parts: dict[int, _Parts] = {}
        check_regular_file(path)
        try:
            self._archive = zipfile.ZipFile(path)
        except Exception as error:  # zipfile raises many types on a damaged file
            raise FrameFileError(
                f"{path}: cannot be opened as a numpy archive ({error}). Expected the fodder or "
                "truth of SPNG: make or copy it again."
            ) from error

    @cached_property
    def _members(self) -> dict[int, dict[int, dict[str, str]]]:
        """Names of members by event, number of the tensor, and kind."""
        found: dict[int, dict[int, dict[str, str]]] = {}
        for name in self._archive.namelist():
            if match := _TENSOR.fullmatch(name):
                tensors = found.setdefault(int(match["set"]), {})
                tensors.setdefault(int(match["number"]), {})[match["kind"]] = name
        return found

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return tuple(sorted(self._members))

    def list_tags(self, event: int) -> list[str]:  # noqa: D102
        return list(self._find_parts(event))

    def read_tag(self, event: int, tag: str) -> TagArrays:  # noqa: D102
        planes = self._find_parts(event)[tag]
        samples, channels = [], []
        for plane, members in sorted(planes.items()):
            rows = np.concatenate([self._read_tensor(*member) for member in members])
            first = self._first_channel(event, tag, plane)
            samples.append(rows * np.float32(self._scale))
            channels.append(np.arange(first, first + len(rows)))
        arrays = np.concatenate(samples), np.concatenate(channels)
        return TagArrays(*arrays, self._tick_ns, rebin=self._stored_rebin(event))

    def _find_parts(self, event: int) -> _Parts:
        """Return where the tags of an event are."""
        if event not in self._parts:
            parts: _Parts = {}
            for number, kinds in sorted(self._members[event].items()):
                for tag, plane, layer in self._contents(event, number, kinds):
                    parts.setdefault(tag, {}).setdefault(plane, []).append((kinds["array"], layer))
            self._parts[event] = parts
        return self._parts[event]

    def _contents(
        self, event: int, number: int, kinds: dict[str, str]
    ) -> list[tuple[str, int, int | None]]:
        """Return tag, plane and layer of what a tensor holds."""
        shape = self._shape(event, kinds)
        if len(shape) == 3 and shape[0] == len(_TAGS) and number < len(_PLANES):
            return [(tag, number, layer) for layer, tag in enumerate(_TAGS.values())]
        if len(shape) != 2:
            raise FrameFileError(
                f"{self.path}: event {event}: tensor {number} is of shape {shape}; expected (3, "
                "channel, slice) of fodder, or (channel, slice). Write the file again."
            )
        path = _DATAPATH.fullmatch(str(self._metadata(kinds).get("datapath", "")))
        if path is not None and path["feature"] in _TAGS and int(path["view"]) < len(_PLANES):
            return [(_TAGS[path["feature"]], int(path["view"]), None)]
        if "fodder" in self.path.name:  # of the same order, without metadata
            plane, layer = divmod(number, len(_TAGS))
            return [(list(_TAGS.values())[layer], min(plane, len(_PLANES) - 1), None)]
        return [(_TRUTH, min(number, len(_PLANES) - 1), None)]

    def _shape(self, event: int, kinds: dict[str, str]) -> tuple[int, ...]:
        if "array" not in kinds:
            raise FrameFileError(
                f"{self.path}: event {event}: '{kinds['metadata']}' has no array beside it; "
                "expected one of each. Write the file again."
            )
        with self._archive.open(kinds["array"]) as stream:
            return read_header(stream)[0].shape or ()

    def _metadata(self, kinds: dict[str, str]) -> dict[str, Any]:
        """Return the metadata of a tensor; empty where there are none."""
        if "metadata" not in kinds:
            return {}
        content = json.loads(self._archive.read(kinds["metadata"]))
        return content if isinstance(content, dict) else {}

    def _stored_rebin(self, event: int) -> int:
        if self._given_rebin is not None:
            return self._given_rebin
        found = [self._metadata(kinds).get("rebin") for kinds in self._members[event].values()]
        known = {value for value in found if value is not None}
        if not known:
            return _REBIN
        rebin = known.pop()
        if known or not isinstance(rebin, int) or rebin < 1:
            raise FrameFileError(
                f"{self.path}: event {event}: its metadata give rebin {rebin} "
                f"{''.join(f'and {other} ' for other in known)}; expected one whole number. Set "
                "rebin of data.reader."
            )
        return rebin

    def _first_channel(self, event: int, tag: str, plane: int) -> int:
        """Return the channel of a plane's first row: those of the planes before come first."""
        if self._channels is not None:
            return sum(self._channels[:plane])
        planes = self._find_parts(event)[tag]
        missing = [_PLANES[before] for before in range(plane) if before not in planes]
        if missing:
            raise FrameFileError(
                f"{self.where(event, tag)}: holds plane {_PLANES[plane]}, but not {missing[0]}, so "
                "its channel numbers are not known. Add data.reader={_target_:"
                "roilab.frames.SpngFrames,channels:[800,800,960]} with the numbers of channels of "
                "U, V and W."
            )
        members = [member for before in range(plane) for member in planes[before]]
        return sum(self._shape(event, {"array": name})[-2] for name, _ in members)

    def _read_tensor(self, name: str, layer: int | None) -> NDArray[np.float32]:
        """Read a tensor or one layer of it, shape (channel, slice)."""
        entry = self._archive.getinfo(name)
        if entry.file_size > MAX_BYTES:
            raise FrameFileError(
                f"{self.path}: '{name}' has {entry.file_size / 1e9:.3g} GB; expected at most "
                f"{MAX_BYTES / 1e9:.2g} GB. The file is damaged."
            )
        with self._archive.open(entry) as stream:
            array, fortran = read_header(stream)
            count = int(np.prod(array.shape or (), dtype=np.int64))
            values = take(stream, (1, count), array.dtype).ravel()
            read_to_end(stream)
        tensor = values.reshape(array.shape or (), order="F" if fortran else "C")
        return (tensor if layer is None else tensor[layer]).astype(np.float32)

    def close(self) -> None:  # noqa: D102
        self._archive.close()
