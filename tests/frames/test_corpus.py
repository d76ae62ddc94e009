"""Faulty and good frame files: the corpus, and random arrays in every container."""

import shutil
import subprocess
import sys
from pathlib import Path

import corpus
import corpus_files
import numpy as np
import pytest
from corpus_arrays import REAL
from corpus_kinds import Kind, kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roilab.data import ImageSpec, PlaneSelection, list_images, prepare_image
from roilab.detectors import Readout
from roilab.errors import RoilabError
from roilab.frames import FilePair

KINDS = list(kinds())


def test_every_kind_gives_the_right_image_or_one_message() -> None:
    # In a process without torch: its forks have limits on memory and time.
    done = subprocess.run(
        [sys.executable, corpus.__file__], capture_output=True, text=True, timeout=400, check=False
    )
    assert "| wrong image | 0 |" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| kinds | {len(KINDS)} |" in done.stdout


READOUT = Readout(
    {"U": (0, 4), "V": (4, 10), "W": (10, 16)}, 16, None, (0, 40), ("deposplat", "ductor"), 40
)


def training_images(folder: Path) -> np.ndarray:
    """Return the image of plane V, shape (layer and truth, channel, tick)."""
    rec, tru = (next(folder.glob(f"{name}.*")) for name in ("rec", "tru"))
    spec = ImageSpec(("loose_lf", "mp2_roi"), READOUT.truth, READOUT.tick_range, 1)
    selection = PlaneSelection(("V",), apas=("1",))
    sources = list_images([FilePair(rec, tru)], READOUT, selection, spec)
    return prepare_image(sources[0], spec)


def is_as_expected(kind: Kind, folder: Path) -> bool:
    """Return whether the training data refuse a fault, and give the right image of all others."""
    try:
        images = training_images(folder)
    except RoilabError:
        return kind.is_fault
    expected = corpus_files.base_images() | kind.images
    names = ("loose_lf", "mp2_roi", "truth")
    return not kind.is_fault and np.array_equal(images, np.stack([expected[n] for n in names]))


def test_the_training_data_give_the_same(tmp_path: Path) -> None:
    # Not a chunk of 0.6 GB: this process has no limit on memory.
    wrong = []
    for kind in (kind for kind in KINDS if not kind.name.startswith("a chunk")):
        folder = tmp_path / "kind"
        folder.mkdir()
        kind.write(folder)
        if not is_as_expected(kind, folder):
            wrong.append(kind.name)
        shutil.rmtree(folder)
    assert not wrong


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    dtype=st.sampled_from(REAL),
    rows=st.integers(0, 16),
    columns=st.integers(0, 50),
    turned=st.booleans(),
    fortran=st.booleans(),
    shuffled=st.booleans(),
    start=st.integers(-45, 45),
    tbin=st.integers(-5, 5),
    suffix=st.sampled_from([".h5", *corpus_files.ENDINGS]),
    seed=st.integers(0, 9),
)
def test_random_layers_are_placed_or_refused(
    tmp_path: Path,
    dtype: str,
    rows: int,
    columns: int,
    turned: bool,
    fortran: bool,
    shuffled: bool,
    start: int,
    tbin: int,
    suffix: str,
    seed: int,
) -> None:
    folder = tmp_path / "case"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rng = np.random.default_rng(seed)
    ids = np.sort(rng.choice(corpus_files.IDS, rows, replace=False))
    ids = rng.permutation(ids) if shuffled else ids
    samples = rng.integers(1, 100, (rows, columns))
    tags = corpus_files.rec_tags()
    stored = {
        tag: corpus_files.Tag(s.frame.T if turned else s.frame, s.channels, s.tickinfo)
        for tag, s in tags.items()
    }
    frame = np.asarray(samples.T if turned else samples, dtype, order="F" if fortran else "C")
    tick_ns = corpus_files.TICK_NS
    tickinfo = np.array([corpus_files.START_NS + start * tick_ns, tick_ns, tbin])
    stored["mp2_roi1"] = corpus_files.Tag(frame, ids, tickinfo)
    for name, content in (("rec", stored), ("tru", corpus_files.tru_tags())):
        corpus_files.write(folder / f"{name}{suffix}", content)
    first = start + tbin
    if rows and columns and (first >= 40 or first + columns <= 0):
        with pytest.raises(RoilabError, match="outside the readout"):
            corpus.read(folder)
        return
    image = np.zeros((6, 40), np.float32)
    low = corpus_files.PLANE[0]
    for row, channel in enumerate(ids):
        for column in range(columns):
            if 0 <= channel - low < 6 and 0 <= first + column < 40:
                image[channel - low, first + column] = samples[row, column]
    np.testing.assert_array_equal(corpus.read(folder)["mp2_roi"], image)
