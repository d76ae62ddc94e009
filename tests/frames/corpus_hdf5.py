"""Kinds of HDF5 files: groups, links, storage, filters, and files that are no HDF5."""

import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from corpus_files import (
    EVENT,
    PER_APA,
    base_images,
    members,
    rec_tags,
    write,
    write_h5,
    write_zip,
)
from corpus_kind import IN_LAYER, Kind, rec_file

LAYER = rec_tags()["mp2_roi1"]
FRAME = f"{EVENT}/frame_mp2_roi1"
LONG = "9" * 5000


def edited(edit: Callable[[h5py.File], object], name: str = "") -> Callable[[Path], object]:
    """Write a good reconstruction file, then change it; ``name`` is removed before."""

    def make(path: Path) -> None:
        write(path, rec_tags())
        with h5py.File(path, "a") as file:
            if name:
                del file[name]
            edit(file)

    return rec_file(make)


def kinds() -> Iterator[Kind]:
    yield from objects()
    yield from events()
    yield from storage()
    yield from flat()
    yield from no_hdf5()
    for options in ({"compression": "gzip", "chunks": (4, 8)}, {"compression": "lzf"},
                    {"shuffle": True, "fletcher32": True}, {"chunks": (1, 1)}):  # fmt: skip
        text = ", ".join(f"{key}={value}" for key, value in options.items())
        yield Kind(f"HDF5 {text}", rec_file(lambda p, o=options: write(p, rec_tags(), **o)))


def objects() -> Iterator[Kind]:
    def put(value: Any) -> Callable[[h5py.File], None]:
        return lambda file: file.__setitem__(FRAME, value)

    bad = {
        "a group as frame": lambda file: file.create_group(FRAME),
        "a named type as frame": put(np.dtype("f4")),
        "a dangling link as frame": put(h5py.SoftLink("/nowhere")),
        "a looping link as frame": put(h5py.SoftLink(f"/{FRAME}")),
        "a link through a frame": put(h5py.SoftLink(f"/{EVENT}/channels_mp2_roi1/x")),
        "a link to an absent file": put(h5py.ExternalLink("absent.h5", "/frame")),
        "a link to another file": put(h5py.ExternalLink("tru.h5", "/100/frame_deposplat1")),
        "an empty data space as frame": put(h5py.Empty("f4")),
    }
    for name, edit in bad.items():
        yield Kind(name, edited(edit, FRAME), IN_LAYER)
    for kind in ("channels", "tickinfo"):
        path = f"{EVENT}/{kind}_mp2_roi1"
        yield Kind(
            f"a group as {kind}", edited(lambda f, p=path: f.create_group(p), path), IN_LAYER
        )
        yield Kind(f"a dangling link as {kind}", edited(
            lambda f, p=path: f.__setitem__(p, h5py.SoftLink("/x")), path), IN_LAYER)  # fmt: skip

    def move(file: h5py.File) -> None:
        file.move(FRAME, "elsewhere")
        file[FRAME] = h5py.SoftLink("/link")
        file["link"] = h5py.SoftLink("elsewhere")

    yield Kind("links to a frame in the file", edited(move))

    def to_pipe(path: Path) -> None:
        os.mkfifo(path.with_name("pipe.h5"))
        write(path, rec_tags())
        with h5py.File(path, "a") as file:
            del file[FRAME]
            file["pipe"] = h5py.ExternalLink("pipe.h5", "/")
            file[FRAME] = h5py.SoftLink("/pipe/frame")

    yield Kind("links to a pipe", rec_file(to_pipe), IN_LAYER)


def events() -> Iterator[Kind]:
    def event(value: Any) -> Callable[[h5py.File], None]:
        return lambda file: file.__setitem__(str(EVENT), value)

    where = ("rec.", "event 100")
    for name, value in {"a data set": np.ones(3), "a named type": np.dtype("f4"),
                        "a dangling link": h5py.SoftLink("/x"),
                        "a looping link": h5py.SoftLink(f"/{EVENT}"),
                        "a link to an absent file": h5py.ExternalLink("x.h5", "/"),
                        }.items():  # fmt: skip
        yield Kind(f"{name} as event", edited(event(value), str(EVENT)), where)
    for name in ("²", "--1", "-", LONG, "1e2", "٣"):
        yield Kind(f"an event named {ascii(name)[:12]}", edited(
            lambda f, n=name: f.move(str(EVENT), n)), ("rec.", "event number"))  # fmt: skip
    yield Kind("events 100 and 0100", edited(lambda f: f.copy(f[str(EVENT)], "0100")), where)
    yield Kind("no event", rec_file(lambda p: write_h5(p, {})), ("rec.", "holds no event"))
    yield Kind("other events", rec_file(lambda p: write_h5(p, {100: rec_tags(), 105: rec_tags()})),
               ("rec.", "tru."))  # fmt: skip
    yield Kind("an event without tags", edited(lambda f: f.create_group(str(EVENT)), str(EVENT)),
               where, inspect_code=0)  # fmt: skip
    yield Kind("groups that are no events", edited(lambda f: f.create_group("settings")))


def storage() -> Iterator[Kind]:
    def declared(shape: Any = LAYER.frame.shape, **options: Any) -> Callable[[h5py.File], Any]:
        return lambda file: file.create_dataset(FRAME, shape, "f4", **options)

    def part(file: h5py.File) -> None:
        file.create_dataset(FRAME, LAYER.frame.shape, "f4", chunks=(2, 20))[:2] = 1

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(LAYER.frame.shape, "f4")
        layout[:] = h5py.VirtualSource("absent.h5", "x", LAYER.frame.shape)
        file.create_virtual_dataset(FRAME, layout)

    def unknown_filter(file: h5py.File) -> None:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk(LAYER.frame.shape)
        properties.set_filter(32001, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(LAYER.frame.shape)
        data = h5py.h5d.create(file.id, FRAME.encode(), h5py.h5t.IEEE_F32LE, space, properties)
        data.write_direct_chunk((0, 0), b"compressed", 0)

    def channels(file: h5py.File) -> None:
        file[FRAME] = LAYER.frame
        file.create_dataset(f"{EVENT}/channels_mp2_roi1", (2**40,), "i4", chunks=(1024,))

    external = [("absent.bin", 0, LAYER.frame.nbytes)]
    bad = {
        "a frame never written": declared(),
        "a frame never written in chunks": declared(chunks=True),
        "a frame written in part": part, "a virtual data set": virtual,
        "an external data set": declared(external=external),
        "a filter that is absent": unknown_filter,
        "a frame of 4 TiB": declared((2**20, 2**20)),
        "a frame of 4 TiB in chunks": declared((6, 2**38), chunks=(1, 2**20)),
    }  # fmt: skip
    for name, edit in bad.items():
        yield Kind(name, edited(edit, FRAME), IN_LAYER)

    def many(path: Path) -> None:
        write(path, rec_tags())
        with h5py.File(path, "a") as file:
            del file[FRAME], file[f"{EVENT}/channels_mp2_roi1"]
            channels(file)

    yield Kind("channel ids of 4 TiB", rec_file(many), IN_LAYER)
    yield Kind("a chunk of 0.6 GB", edited(one_chunk, FRAME), IN_LAYER)
    yield Kind(
        "a frame of 1 GB in a small file", edited(wide, FRAME), images={"mp2_roi": wide_image()}
    )


def one_chunk(file: h5py.File) -> None:
    """Write a chunk of 0.6 GB of zeros as 1 MB."""
    shape = (6, 5_800_000)
    data = file.create_dataset(FRAME, shape, "g", chunks=shape, compression="gzip")
    data.id.write_direct_chunk((0, 0), packed_zeros(6 * 5_800_000 * data.dtype.itemsize), 0)


def packed_zeros(count: int) -> bytes:
    """Return zlib's packing of ``count`` zeros, from repeated blocks, which takes no time."""
    size = 1 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    rest = packer.compress(bytes(count % size)) + packer.flush()
    checksum = (count % 65521) << 16 | 1
    return b"\x78\xda" + count // size * block + rest + checksum.to_bytes(4, "big")


def wide(file: h5py.File) -> None:
    """Write 6 rows of 9 million ticks, all the same chunk of ones."""
    chunk, columns = (6, 100_000), 9_000_000
    data = file.create_dataset(FRAME, (6, columns), "f8", chunks=chunk, compression="gzip")
    packed = zlib.compress(np.ones(chunk).tobytes(), 9)
    for first in range(0, columns, chunk[1]):
        data.id.write_direct_chunk((0, first), packed, 0)


def wide_image() -> np.ndarray:
    image = np.zeros((6, 40), np.float32)
    image[:5, 7:] = 1
    return image


def flat() -> Iterator[Kind]:
    """Yield the layout of the first HDF5FrameTap: no groups, (tick, channel)."""

    def write_flat(path: Path, square: bool = False) -> None:
        with h5py.File(path, "w") as file:
            for tag, stored in rec_tags().items():
                arrays = stored.arrays()
                if square:
                    arrays |= {"frame": stored.frame[:, : len(stored.channels)]}
                for kind, array in arrays.items():
                    file[f"{kind}_{tag}_{EVENT}"] = array.T if kind == "frame" else array

    yield Kind("HDF5 without groups", rec_file(write_flat))
    images = base_images()
    images["loose_lf"][:, PER_APA:] = 0
    images["mp2_roi"][:, 13:] = 0
    yield Kind(
        "HDF5 without groups, square", rec_file(lambda p: write_flat(p, True)), images=images
    )
    mixed = {
        "without groups, no number": ("x_y", "event number"),
        "with and without groups": (f"x_{EVENT}", "event 100"),
    }
    for name, (frame, part) in mixed.items():
        edit = edited(lambda f, n=frame: f.__setitem__(f"frame_{n}", np.ones(3)))
        yield Kind(f"HDF5 {name}", edit, ("rec.", part))


def no_hdf5() -> Iterator[Kind]:
    def content(data: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(data)

    def cut(path: Path) -> None:
        write(path, rec_tags())
        path.write_bytes(path.read_bytes()[:-500])

    def link(path: Path) -> None:
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to("pipe")

    makes: dict[str, Callable[[Path], object]] = {
        "text": content(b"not frames"), "an empty file": content(b""), "a file cut short": cut,
        "a folder": lambda path: path.mkdir(), "a pipe": os.mkfifo, "a link to a pipe": link,
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a dangling link": lambda path: path.symlink_to("nowhere"),
        "an archive": lambda path: write_zip(path, members({EVENT: rec_tags()})),
    }  # fmt: skip
    for suffix in (".h5", ".npz", ".tar.gz"):
        for name, make in makes.items():
            if not (name == "an archive" and suffix == ".npz"):
                yield Kind(f"{suffix} is {name}", rec_file(make, suffix), (f"rec{suffix}",))
