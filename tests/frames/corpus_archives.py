"""Kinds of archives: packings that people make, and damage."""

import io
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from corpus_files import ENDINGS, EVENT, members, npy, rec_tags, write_archive, write_tar, write_zip
from corpus_kind import IN_LAYER, Kind, rec_file

REC = members({EVENT: rec_tags()})
FRAME = f"frame_mp2_roi1_{EVENT}.npy"
SUFFIXES = (".npz", ".tar", ".tar.gz")


def archive(content: Mapping[str, bytes]) -> Callable[[Path], object]:
    return lambda path: write_archive(path, content)


def kinds() -> Iterator[Kind]:
    yield from packings()
    yield from arrays()
    yield from zips()
    yield from tars()
    yield from damage()


def packings() -> Iterator[Kind]:
    for suffix in ENDINGS:
        for folder in ("", "./", "job0/", "a/b c/"):
            content = members({EVENT: rec_tags()}, folder)
            yield Kind(f"{suffix} '{folder}'", rec_file(archive(content), suffix))
    for suffix in SUFFIXES:
        more = {**REC, "README.txt": b"text", "a/": b"", "._frame_mp2_roi1_100.npy": b"\0"}
        yield Kind(f"{suffix} with other files", rec_file(archive(more), suffix))
        twice = {**REC, f"job1/{FRAME}": REC[FRAME]}
        yield Kind(f"{suffix} a frame in two folders", rec_file(archive(twice), suffix), IN_LAYER)
        part = {name: data for name, data in REC.items() if "channels_mp2" not in name}
        yield Kind(f"{suffix} no channels", rec_file(archive(part), suffix), IN_LAYER)
        odd = {**REC, "frame_mp2_roi1_².npy": b""}
        yield Kind(f"{suffix} event ²", rec_file(archive(odd), suffix), ("rec.", "event number"))
        odd = {**REC, f"frame_x1_{'9' * 5000}.npy": b""}
        yield Kind(f"{suffix} event of 5000 digits", rec_file(archive(odd), suffix),
                   ("rec.", "event number"))  # fmt: skip
        yield Kind(f"{suffix} no frame", rec_file(archive({"x": b""}), suffix),
                   ("rec.", "holds no event"))  # fmt: skip
    for name in (".tar.zst", ".tzst"):
        data = b"\x28\xb5\x2f\xfd" + bytes(100)
        yield Kind(f"{name}", rec_file(lambda p, d=data: p.write_bytes(d), name), ("zstd",))


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    """Return the header of an array without its data."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"shape": shape, "fortran_order": False, "descr": dtype}
    )
    return stream.getvalue()


def arrays() -> Iterator[Kind]:
    good = REC[FRAME]
    bad = {
        "an array cut short": good[:-40], "an array with more bytes": good + bytes(40),
        "an array of 4 TiB": header((2**20, 2**20)), "no array": b"text", "an empty member": b"",
        "a negative shape": header((-6, 20)), "another version": good[:6] + b"\x09" + good[7:],
        "a header of code": good.replace(b"'shape': (6, 20)", b"'shape': exit(1) "),
        "rows of 0 bytes": header((6, 20), "|V0"), "objects": npy(np.array([[{}]], object)),
    }  # fmt: skip
    for suffix in SUFFIXES:
        for name, data in bad.items():
            make = rec_file(archive({**REC, FRAME: data}), suffix)
            yield Kind(f"{suffix} {name}", make, IN_LAYER)


def zips() -> Iterator[Kind]:
    def packed(path: Path) -> bytearray:
        write_zip(path, REC)
        return bytearray(path.read_bytes())

    def each_header(path: Path, at: int, local: int, value: int) -> None:
        """Change a 16-bit number in all local and central headers."""
        data = packed(path)
        for mark, place in ((b"PK\x03\x04", local), (b"PK\x01\x02", at)):
            start = data.find(mark)
            while start >= 0:
                struct.pack_into("<H", data, start + place, value)
                start = data.find(mark, start + 4)
        path.write_bytes(data)

    where = ("rec.npz", "event 100")
    yield Kind("encrypted", rec_file(lambda p: each_header(p, 8, 6, 1), ".npz"), where)
    yield Kind("unknown method", rec_file(lambda p: each_header(p, 10, 8, 97), ".npz"), where)

    def double(path: Path) -> None:
        write_zip(path, REC)
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(zipfile.ZipInfo(FRAME), REC[FRAME])

    yield Kind("a member twice in a zip", rec_file(quiet(double), ".npz"), IN_LAYER)
    for name, method in (("bzip2", zipfile.ZIP_BZIP2), ("lzma", zipfile.ZIP_LZMA),
                         ("stored", zipfile.ZIP_STORED)):  # fmt: skip

        def other(path: Path, method: int = method) -> None:
            with zipfile.ZipFile(path, "w", method) as file:
                for member, data in REC.items():
                    file.writestr(member, data)

        yield Kind(f"zip, {name}", rec_file(other, ".npz"))

    def bomb(path: Path) -> None:
        shape = (16, 6_000_000)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for member, data in REC.items():
                if member != f"frame_loose_lf1_{EVENT}.npy":
                    file.writestr(member, data)
            with file.open(f"frame_loose_lf1_{EVENT}.npy", "w", force_zip64=True) as stream:
                stream.write(header(shape))
                for _ in range(shape[0]):
                    stream.write(np.ones(shape[1], np.float32))

    ones = np.ones((6, 40), np.float32)
    yield Kind(
        "a frame of 0.4 GB in a small zip", rec_file(bomb, ".npz"), images={"loose_lf": ones}
    )


def quiet(make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Silence the warning about a name that is written twice."""
    import warnings

    def run(path: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            make(path)

    return run


def tars() -> Iterator[Kind]:
    for name, form in (("PAX", tarfile.PAX_FORMAT), ("GNU", tarfile.GNU_FORMAT),
                       ("ustar", tarfile.USTAR_FORMAT)):  # fmt: skip
        long = {f"{'long folder/' * 7}{member}": data for member, data in REC.items()}
        content = REC if name == "ustar" else long
        yield Kind(f"tar, {name}", rec_file(
            lambda p, f=form, c=content: write_tar(p, c, "", format=f), ".tar"))  # fmt: skip
    types = {
        "symbolic link": tarfile.SYMTYPE,
        "hard link": tarfile.LNKTYPE,
        "folder": tarfile.DIRTYPE,
        "pipe": tarfile.FIFOTYPE,
        "device": tarfile.CHRTYPE,
    }

    def entry(path: Path, kind: Any, size: int = 0, ending: str = "") -> None:
        with tarfile.open(path, f"w:{ending}") as file:  # type: ignore[call-overload]
            for name, data in REC.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                if name == FRAME:
                    info.type, info.size, info.linkname = kind, size, "/etc/passwd"
                file.addfile(info, None if name == FRAME else io.BytesIO(data))

    for name, kind in types.items():
        for ending in ("", "gz"):
            suffix = f".tar{'.gz' if ending else ''}"
            make = rec_file(lambda p, k=kind, e=ending: entry(p, k, 0, e), suffix)
            yield Kind(f"{suffix} a {name} as frame", make, IN_LAYER)
    for ending in ("", "gz", "bz2", "xz"):
        suffix = f".tar{'.' if ending else ''}{ending}"
        make = rec_file(lambda p, e=ending: entry(p, tarfile.REGTYPE, 2**42, e), suffix)
        yield Kind(f"{suffix} a member of 4 TiB", make, ("rec.tar", "mp2_roi1"))

    def double(path: Path) -> None:
        write_tar(path, REC, "")
        with tarfile.open(path, "a") as file:
            info = tarfile.TarInfo(FRAME)
            info.size = len(REC[FRAME])
            file.addfile(info, io.BytesIO(REC[FRAME]))

    yield Kind("a member twice in a tar", rec_file(double, ".tar"), IN_LAYER)


def damage() -> Iterator[Kind]:
    def spoiled(change: Callable[[bytearray], object]) -> Callable[[Path], object]:
        def make(path: Path) -> None:
            write_archive(path, REC)
            data = bytearray(path.read_bytes())
            change(data)
            path.write_bytes(data)

        return make

    for suffix in (".npz", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"):
        for share in (2, 4, 8):
            cut = spoiled(lambda data, s=share: data.__delitem__(slice(len(data) // s, None)))
            yield Kind(f"{suffix} cut to 1/{share}", rec_file(cut, suffix), (f"rec{suffix}",))
    for suffix in (".tar.gz", ".tar.bz2", ".tar.xz"):
        for share in (0.3, 0.5, 0.7, 0.9):
            flip = spoiled(lambda data, s=share: flip_bit(data, int(s * len(data))))
            yield Kind(f"{suffix} one bit at {share}", rec_file(flip, suffix), (f"rec{suffix}",))

    def in_frame(path: Path, method: int) -> None:
        with zipfile.ZipFile(path, "w", method) as file:
            for member, data in REC.items():
                file.writestr(member, data)
            entry = file.getinfo(FRAME)
        data = bytearray(path.read_bytes())
        flip_bit(data, entry.header_offset + 30 + len(FRAME) + entry.compress_size - 20)
        path.write_bytes(data)

    for name, method in (("deflated", zipfile.ZIP_DEFLATED), ("stored", zipfile.ZIP_STORED)):
        make = rec_file(lambda p, m=method: in_frame(p, m), ".npz")
        yield Kind(f"one bit in a {name} frame", make, IN_LAYER)

    def second_header(data: bytearray) -> None:
        at = data.find(b"channels_loose")
        flip_bit(data, at + 3)

    yield Kind(
        "one bit in a header of a tar", rec_file(spoiled(second_header), ".tar"), ("rec.tar",)
    )


def flip_bit(data: bytearray, at: int) -> None:
    data[at] ^= 0x10
