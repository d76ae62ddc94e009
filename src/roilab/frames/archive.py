"""Read numpy frame archives of WCT's ``FrameFileSink``: zip (.npz) and tar, also compressed.

Members: ``frame_<tag>_<event>.npy``, ``channels_<tag>_<event>.npy``,
``tickinfo_<tag>_<event>.npy``, and for some tags ``summary_<tag>_<event>.npy``, in any folder of
the archive.
"""

import io
import math
import re
import tarfile
import zipfile
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from roilab.errors import RoilabError
from roilab.frames.base import FrameFile, Rows
from roilab.frames.errors import FrameFileError
from roilab.frames.names import event_number, shown
from roilab.frames.npy import blocks, read_header, read_part, read_to_end, take
from roilab.frames.regular_file import check_regular_file
from roilab.frames.tag_info import MAX_BYTES, ArrayType
from roilab.types import Range

_MEMBER = re.compile(
    r"(?P<kind>frame|channels|tickinfo|summary)_(?P<tag>.*)_(?P<event>[^_]+)\.npy", re.S
)
_MAX_MEMBERS = 1_000_000
_HEADER_BYTES = 16384  # above the largest header of an array
_ZSTD = b"\x28\xb5\x2f\xfd"
_PACKINGS = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\xfd7zX": "xz"}  # first bytes of a file


@dataclass(frozen=True)
class _Member:
    """One file of an archive."""

    name: str  # with its folder
    size: int  # [bytes]
    entry: Any  # of zipfile or tarfile
    problem: str = ""  # reason why it cannot be read
    start: bytes = b""  # its first bytes, all of a small one, where they have been read


class ArchiveFrames(FrameFile):
    """One archive of numpy arrays, read in blocks; only the wanted samples are held in memory.

    Raises:
        FrameFileError: the file is absent, of another format, or truncated.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        check_regular_file(path)
        self._members: dict[tuple[int, str], dict[str, list[_Member]]] = {}
        self._summaries: dict[tuple[int, str], _Member] = {}
        self._others: list[str] = []
        with self._raise_unreadable():
            self._archive = self._open_archive()
            for member in self._list_members():
                self._add(member)

    @abstractmethod
    def _open_archive(self) -> Any: ...

    @abstractmethod
    def _list_members(self) -> Iterator[_Member]: ...

    @abstractmethod
    def _stream(self, member: _Member) -> IO[bytes]: ...

    @contextmanager
    def _raise_unreadable(self) -> Iterator[None]:
        try:
            yield
        except RoilabError:
            raise
        except Exception as error:  # the libraries raise many types on a damaged file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FrameFileError(
                f"{self.path}: cannot be opened as a numpy archive ({reason[:300]}). Expected a "
                "complete .npz or .tar frame file: make or copy it again."
            ) from error

    def _add(self, member: _Member) -> None:
        """Put a member into the index, if it is an array of a frame."""
        match = _MEMBER.fullmatch(member.name.rpartition("/")[2])
        event = None if match is None else event_number(match["event"])
        if match is None or (match["kind"] == "summary" and event is None):
            self._others += [] if member.name.endswith("/") else [member.name]
            return
        if event is None:
            raise FrameFileError(
                f"{self.path}: the name of '{shown(member.name)}' ends in no event "
                "number; expected KIND_TAG_EVENT.npy. Rename it, or leave it out."
            )
        if match["kind"] == "summary":
            self._summaries[event, match["tag"]] = member
            return
        kinds = self._members.setdefault((event, match["tag"]), {})
        kinds.setdefault(match["kind"], []).append(member)

    @cached_property
    def _events(self) -> tuple[int, ...]:
        return tuple(sorted({event for event, _ in self._members}))

    @property
    def events(self) -> tuple[int, ...]:  # noqa: D102 - described in FrameFile
        return self._events

    def _list_tags(self, event: int) -> Iterable[str]:
        return [tag for ident, tag in self._members if ident == event]

    def _member(self, event: int, tag: str, kind: str) -> _Member:
        """Return the only member of a kind."""
        found = self._members[event, tag].get(kind, [])
        where, name = self.where(event, tag), f"'{shown(f'{kind}_{tag}_{event}.npy')}'"
        if not found:
            raise FrameFileError(
                f"{where}: {name} is absent. Write the file again with WCT's FrameFileSink or "
                "roilab."
            )
        if len(found) > 1:
            names = ", ".join(shown(member.name) for member in found[:4])
            raise FrameFileError(
                f"{where}: the archive holds {name} {len(found)} times ({names}); expected it "
                "once. Leave out all but one, or pack an archive for every job."
            )
        if found[0].problem:
            raise FrameFileError(f"{where}: {name} {found[0].problem}")
        return found[0]

    def _array_type(self, event: int, tag: str, kind: str) -> ArrayType:
        return self._header(event, tag, kind)[0]

    def _header(self, event: int, tag: str, kind: str) -> tuple[ArrayType, bool]:
        """Return type of an array, and whether it is in Fortran order, and check its size."""
        member = self._member(event, tag, kind)
        with io.BytesIO(member.start) if member.start else self._stream(member) as stream:
            array, fortran = read_header(stream)
            begin = stream.tell()
        size = begin + math.prod(array.shape or ()) * array.dtype.itemsize
        if size != member.size:
            raise ValueError(
                f"'{shown(member.name)}' has {member.size} bytes, its header announces {size}"
            )
        return array, fortran

    def _load(self, event: int, tag: str, kind: str) -> NDArray[Any]:
        member = self._member(event, tag, kind)
        whole = len(member.start) == member.size
        with io.BytesIO(member.start) if whole else self._stream(member) as stream:
            array, _ = read_header(stream)
            values = take(stream, (1, math.prod(array.shape or ())), array.dtype).ravel()
            read_to_end(stream)
        return values

    def summary(self, event: int, tag: str) -> NDArray[Any] | None:  # noqa: D102
        member, rows = self._summaries.get((event, tag)), len(self.info(event, tag).channels)
        if member is None:
            return None
        where = self.where(event, tag)
        with self._raise_damaged(where), self._stream(member) as stream:
            array, _ = read_header(stream)
            values = take(stream, (1, math.prod(array.shape or ())), array.dtype).ravel()
            read_to_end(stream)
        if len(values) != rows:
            raise FrameFileError(
                f"{where}: '{shown(member.name)}' has {len(values)} numbers against {rows} rows; "
                "expected one a row. Write the file again."
            )
        return values

    def others(self) -> tuple[str, ...]:  # noqa: D102
        return tuple(self._others)

    def _read_rows(self, event: int, tag: str, rows: Rows, columns: Range) -> NDArray[Any]:
        channel_first = self.info(event, tag).channel_first
        with self._stream(self._member(event, tag, "frame")) as stream:
            array, fortran = read_header(stream)
            assert array.shape is not None
            lines, length = array.shape[::-1] if fortran else array.shape
            # Eigen's arrays are column-major, so WCT's files are commonly Fortran-ordered.
            if channel_first != fortran:
                wanted = np.arange(lines)[rows]
                part = read_part(stream, (lines, length), array.dtype, wanted, slice(*columns))
            else:
                ticks = np.arange(lines)[slice(*columns)]
                part = read_part(stream, (lines, length), array.dtype, ticks, rows).T
            self._finish(stream)
        return part

    def _blocks(self, event: int, tag: str) -> Iterator[NDArray[Any]]:
        with self._stream(self._member(event, tag, "frame")) as stream:
            array, _ = read_header(stream)
            yield from blocks(stream, array)
            self._finish(stream)

    def _finish(self, stream: IO[bytes]) -> None:
        """Compare the checksum of a member after its last wanted sample."""

    def close(self) -> None:  # noqa: D102
        self._archive.close()


class ZipFrames(ArchiveFrames):
    """A zip archive (.npz). Members are read to their end, where the checksum is compared."""

    _archive: zipfile.ZipFile

    def _open_archive(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.path)

    def _list_members(self) -> Iterator[_Member]:
        for entry in self._archive.infolist():
            encrypted = entry.flag_bits & 1
            problem = "is encrypted; pack the archive without a password." if encrypted else ""
            yield _Member(entry.filename, entry.file_size, entry, problem)

    def _stream(self, member: _Member) -> IO[bytes]:
        return self._archive.open(member.entry)

    def _finish(self, stream: IO[bytes]) -> None:
        read_to_end(stream)


class TarFrames(ArchiveFrames):
    """A tar archive, also compressed.

    A compressed tar has no index: it is read to its end when it is opened (which compares its
    checksum), and every frame is read from the front of the file. Prefer .npz or .tar for many
    events, or use the image cache.
    """

    _archive: tarfile.TarFile

    def _open_archive(self) -> tarfile.TarFile:
        with self.path.open("rb") as file:
            start = file.read(4)
            if start == _ZSTD:
                raise FrameFileError(
                    f"{self.path}: is compressed with zstd, which Python cannot unpack before "
                    "3.14. Unpack it with `unzstd FILE` and name the .tar, or use gzip."
                )
        packing = next((name for mark, name in _PACKINGS.items() if start.startswith(mark)), "")
        return tarfile.open(self.path, f"r:{packing}")  # type: ignore[call-overload, no-any-return]

    def _list_members(self) -> Iterator[_Member]:
        try:
            for count, entry in enumerate(self._archive):
                # Checked here, because the next step reads or skips the member.
                if entry.size > MAX_BYTES + _HEADER_BYTES or count >= _MAX_MEMBERS:
                    raise FrameFileError(
                        f"{self.path}: '{shown(entry.name)}' is member {count + 1}, of "
                        f"{entry.size / 1e9:.3g} GB; expected at most {_MAX_MEMBERS} members of "
                        f"{MAX_BYTES / 1e9:.2g} GB. The file is damaged or no frame archive."
                    )
                yield self._indexed(entry)
            self._check_end()
        except BaseException:
            self._archive.close()
            raise

    def _indexed(self, entry: tarfile.TarInfo) -> _Member:
        """Return a member; of arrays the start is read now, to save a way back later."""
        if not entry.isfile():
            problem = (
                "is a link, folder or device in the archive; expected a file. Pack it with "
                "tar's options --dereference and --hard-dereference."
            )
            return _Member(entry.name, entry.size, entry, problem)
        start = b""
        if entry.name.endswith(".npy"):
            with cast(IO[bytes], self._archive.extractfile(entry)) as stream:
                start = stream.read(_HEADER_BYTES)
        return _Member(entry.name, entry.size, entry, "", start)

    def _check_end(self) -> None:
        """Check that the archive ends after its last member, and read its checksum."""
        file = cast(IO[bytes], self._archive.fileobj)
        file.seek(self._archive.offset)
        block = file.read(tarfile.BLOCKSIZE)
        if block.strip(b"\0"):
            raise tarfile.ReadError(f"damaged header at byte {self._archive.offset}")
        read_to_end(file)

    def _stream(self, member: _Member) -> IO[bytes]:
        return cast(IO[bytes], self._archive.extractfile(member.entry))
