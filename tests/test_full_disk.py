"""Every writer on a full disk: one sentence, no partial file, earlier files unchanged.

A limit on the size of files stands for the full disk; a forked process has it, since it cannot be
taken back.
"""

import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from roilab.atomic_write import save_figure, write_csv
from roilab.data import ImageCache
from roilab.errors import RoilabError
from roilab.frames.writer import FrameWriter
from roilab.train.checkpoint import AtomicCheckpoints
from roilab.wirecell.torchscript import save_torchscript

LIMIT = 20_000  # bytes
N_NUMBERS = 30_000  # random, so that they do not get smaller in compressed files


def write_frames(path: Path) -> None:
    samples = np.random.default_rng(1).normal(size=(100, N_NUMBERS // 100)).astype(np.float32)
    with FrameWriter(path) as writer:
        writer.add(1, "raw0", samples, np.arange(100), 0.0, 500.0)


def write_checkpoint(path: Path) -> None:
    AtomicCheckpoints().save_checkpoint({"w": torch.randn(N_NUMBERS)}, path)


def write_torchscript(path: Path) -> None:
    save_torchscript(nn.Linear(200, N_NUMBERS // 200), path)


def write_figure(path: Path) -> None:
    figure = Figure(dpi=300)
    figure.add_subplot().imshow(np.random.default_rng(1).normal(size=(500, 500)))
    save_figure(path, figure)


def write_table(path: Path) -> None:
    write_csv(path, [{"a": number} for number in range(N_NUMBERS)])


def write_image(folder: Path, key: str = "b" * 32) -> None:
    ImageCache(folder, 1).get(key, lambda: np.ones((3, 100, 100), np.float32))


WRITERS = [
    (write_frames, "a.h5"), (write_frames, "a.npz"), (write_frames, "a.tar.gz"),
    (write_checkpoint, "a.ckpt"), (write_torchscript, "a.ts"), (write_figure, "a.png"),
    (write_table, "a.csv"),
]  # fmt: skip


def limited(write: Callable[[Path], None], path: Path, results: Connection) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # an error in place of the end of the process
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    try:
        write(path)
        results.send("written")
    except RoilabError as error:
        results.send(str(error))
    except BaseException as error:
        results.send(repr(error))


def on_full_disk(write: Callable[[Path], None], path: Path) -> str:
    """Return the error message of a writer in a process with a limit, or ``written``."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    process = context.Process(target=limited, args=(write, path, theirs))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    message: str = mine.recv()
    return message


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize(("write", "name"), WRITERS, ids=[name for _, name in WRITERS])
def test_full_disk(write: Callable[[Path], None], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"earlier")
    message = on_full_disk(write, path)
    assert "no space is left" in message
    assert not message.startswith(("OSError", "RuntimeError"))
    assert path.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [name]
    write(path)  # with space, the same writer succeeds
    assert path.stat().st_size > LIMIT


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")
@pytest.mark.parametrize("before", [True, False])
def test_image_cache_on_a_full_disk(tmp_path: Path, before: bool) -> None:
    first = "a" * 32
    if before:
        ImageCache(tmp_path, 1).get(first, lambda: np.ones((1, 8, 9), np.float32))
    contents = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert "no space is left" in on_full_disk(write_image, tmp_path)
    assert contents == {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    write_image(tmp_path)
    assert ImageCache(tmp_path, 1).absent(["b" * 32, first]) == ([] if before else [1])


def test_hdf5_in_memory_is_a_complete_file(tmp_path: Path) -> None:
    write_frames(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["1/frame_raw0"].shape == (100, N_NUMBERS // 100)
