"""Find data sets in an HDF5 file, and check that their samples can be read from it."""

import math
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import h5py

from roilab.frames.errors import FrameFileError
from roilab.frames.names import shown

_MAX_LINKS = 8  # soft links in a row
_MAX_CHUNK_BYTES = 1 << 29  # HDF5 holds a chunk in memory
_FILTERS = {
    4: "szip", 305: "lzo", 307: "bzip2", 32000: "lzf", 32001: "blosc", 32004: "lz4",
    32008: "bitshuffle", 32013: "zfp", 32015: "zstd", 32017: "sz", 32026: "blosc2",
}  # fmt: skip


def find_object(group: h5py.Group, name: str, where: str, links: int = 0) -> Any:
    """Return the object of a name in a group; ``None`` if there is no such name.

    Links are followed here, not by HDF5, which would open other files, pipes too.

    Raises:
        FrameFileError: the name is a link to another file, or one that leads nowhere.
    """
    link = group.get(name, getlink=True)
    if link is None or isinstance(link, h5py.HardLink):
        return None if link is None else group[name]
    if isinstance(link, h5py.ExternalLink):
        raise FrameFileError(
            f"{where}: '{shown(name)}' is a link to another file ({shown(link.filename)}); "
            "expected the data in this file. Name the other file, or copy the data into one."
        )
    target: Any = group.file if link.path.startswith("/") else group
    for part in link.path.split("/"):
        if part not in ("", "."):
            inside = isinstance(target, h5py.Group) and links < _MAX_LINKS
            target = find_object(target, part, where, links + 1) if inside else None
    if target is None:
        raise FrameFileError(
            f"{where}: '{shown(name)}' is a link to '{shown(link.path)}', where there is nothing; "
            "write the file again."
        )
    return target


def check_readable(data: h5py.Dataset, where: str) -> None:
    """Check that the samples of a data set are in the file and can be decompressed.

    Raises:
        FrameFileError: they are in another file, were never written, are compressed with a filter
            that is not installed, or in chunks of more than 0.5 GB.
    """
    name = shown(str(data.name))
    if data.is_virtual or data.external:
        raise FrameFileError(
            f"{where}: the samples of '{name}' are in another file (virtual or external data set); "
            "expected them in this file. Copy them with h5py or h5repack."
        )
    written, expected = _written_chunks(data)
    if written < expected:
        raise FrameFileError(
            f"{where}: {expected - written} of {expected} parts of '{name}' were never written; "
            "expected all. The program that wrote the file was stopped: make it again."
        )
    size = math.prod(data.chunks or ()) * data.dtype.itemsize
    if data.chunks and size > _MAX_CHUNK_BYTES:
        raise FrameFileError(
            f"{where}: '{name}' is stored in chunks {data.chunks} of {size / 1e9:.3g} GB; expected "
            f"at most {_MAX_CHUNK_BYTES / 1e9:.2g} GB. Write it with smaller chunks (h5repack -l)."
        )
    _check_filters(data, where, name)


def _written_chunks(data: h5py.Dataset) -> tuple[int, int]:
    """Return how many chunks of a data set are in the file, and how many there should be."""
    if not data.size:
        return 0, 0
    if data.chunks is None:
        return int(data.id.get_storage_size() > 0), 1
    pairs = zip(data.shape, data.chunks, strict=True)
    return data.id.get_num_chunks(), math.prod(math.ceil(n / chunk) for n, chunk in pairs)


def _check_filters(data: h5py.Dataset, where: str, name: str) -> None:
    """Check that all filters of a data set are known; hdf5plugin adds its own when imported."""
    properties = data.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    missing = [number for number in filters if not h5py.h5z.filter_avail(number)]
    if missing and find_spec("hdf5plugin") is not None:
        import_module("hdf5plugin")
        missing = [number for number in missing if not h5py.h5z.filter_avail(number)]
    if missing:
        number = missing[0]
        raise FrameFileError(
            f"{where}: '{name}' is compressed with HDF5 filter {number} "
            f"({_FILTERS.get(number, 'of unknown name')}), which is not installed. Install the "
            "package hdf5plugin, or write the file again with gzip (h5repack -f GZIP=1)."
        )
