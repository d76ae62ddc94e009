"""Every detector in every container: inspected, read as training and judging read, converted."""

import importlib
import json
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from roilab.data import ImageSpec, PlaneSelection, list_images, prepare_image
from roilab.detectors import Anode, Readout
from roilab.detectors.known import known_readouts, matching_detectors
from roilab.detectors.locate import find_anode
from roilab.frames import ChannelRangeError, FilePair, FrameWriter
from roilab.inspect.__main__ import main as inspect
from roilab.planes import PlaneReader

TICKS, REBIN = 12, 4
LAYERS = ("loose_lf", "mp2_roi", "mp3_roi")
APAS = {"pdhd": 1, "pdsp": 1, "sbnd": 1, "pdvd_top": 5, "icarus": 3}  # 0 for the others
READOUTS = {
    name: replace(one, nticks=TICKS, tick_range=(0, TICKS), truth=("deposplat",))
    for name, one in known_readouts().items()
}
Frames = dict[str, NDArray[np.float32]]
CONTAINERS = ("h5", "npz", "root", "spng")


def frames_of(anode: Anode) -> tuple[Frames, NDArray[np.int64]]:
    """Return frames (channel, tick) by tag, and their channel ids."""
    ids = np.concatenate([np.arange(low, high) for low, high in anode.complete])
    rng = np.random.default_rng(1)
    # Multiples of 4000 that do not change in a slice, so that SPNG stores them exactly.
    slices = {tag: rng.integers(-2, 3, (len(ids), TICKS // REBIN)) for tag in LAYERS[:1]}
    slices |= {tag: rng.integers(0, 2, (len(ids), TICKS // REBIN)) for tag in LAYERS[1:]}
    slices["deposplat"] = rng.integers(0, 3, (len(ids), TICKS // REBIN))
    frames = {
        tag: np.repeat(4000 * part, REBIN, 1).astype(np.float32) for tag, part in slices.items()
    }
    return frames, ids


def write_frames(
    folder: Path, ending: str, apa: int, frames: Frames, ids: NDArray[np.int64]
) -> None:
    """Write a pair of files; its number is that of the container, so that names differ."""
    for kind, tags in (("rec", LAYERS), ("tru", ("deposplat",))):
        with FrameWriter(folder / f"g4-{kind}-{CONTAINERS.index(ending)}.{ending}") as writer:
            for tag in tags:
                writer.add(1, f"{tag}{apa}", frames[tag], ids, 0.0, 500.0)


def write_root(
    folder: Path, apa: int, frames: Frames, ids: NDArray[np.int64], anode: Anode
) -> None:
    pytest.importorskip("uproot")
    from magnify_files import write_magnify

    planes = dict(zip("uvw", anode.complete, strict=True))
    for kind, tags in (("rec", LAYERS), ("tru", ("deposplat",))):
        named = {f"{tag}{apa}": (frames[tag], ids, 0) for tag in tags}
        write_magnify(folder / f"g4-{kind}-2.root", named, planes, event=1)


def write_spng(folder: Path, frames: Frames, counts: tuple[int, int, int]) -> None:
    ends = np.cumsum((0, *counts))
    means = {tag: one.reshape(len(one), -1, REBIN).mean(-1) / 4000 for tag, one in frames.items()}
    for kind, tags in (("rec", LAYERS), ("tru", ("deposplat",))):
        role = "fodder" if kind == "rec" else "truth"
        with zipfile.ZipFile(folder / f"dnnroi-training-{role}.npz", "w") as archive:
            archive.writestr("tensorset_1_metadata.json", "{}")
            for number in range(3):
                rows = slice(ends[number], ends[number + 1])
                tensor = np.stack([means[tag][rows] for tag in tags]).astype(np.float32)
                array = tensor if kind == "rec" else tensor[0]
                archive.writestr(f"tensor_1_{number}_metadata.json", json.dumps({"tag": role}))
                with archive.open(f"tensor_1_{number}_array.npy", "w") as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)


def check_reading(pair: FilePair, readout: Readout, frames: Frames, rows: slice) -> None:
    """Compare plane V, read as evaluation and display do and as training does."""
    with PlaneReader(pair.rec, pair.tru, readout) as reader:
        plane = reader.read(1, None, "V")
    assert plane.truth is not None
    for tag in LAYERS:
        np.testing.assert_array_equal(plane.tags[tag], frames[tag][rows])
    np.testing.assert_array_equal(plane.truth, frames["deposplat"][rows])
    spec = ImageSpec(LAYERS, ("deposplat",), (0, TICKS), REBIN)
    (source,) = list_images([pair], readout, PlaneSelection(("V",)), spec)
    image = prepare_image(source, spec)
    expected = np.stack([frames[tag][rows, ::REBIN] for tag in LAYERS])
    np.testing.assert_array_equal(image[:-1], expected)
    np.testing.assert_array_equal(image[-1], frames["deposplat"][rows, ::REBIN])


@dataclass(frozen=True)
class Files:
    """Files of one detector in every container, and all of them converted by one command."""

    pairs: dict[str, FilePair]
    converted: dict[str, FilePair]
    readout: Readout
    frames: Frames
    v_range: slice


@pytest.fixture(scope="module", params=READOUTS)
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Files:
    pytest.importorskip("uproot")
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    readout, apa = READOUTS[name], APAS.get(name, 0)
    anode = readout.anodes(str(apa))[0]
    frames, ids = frames_of(anode)
    for container in ("h5", "npz"):
        write_frames(folder, container, apa, frames, ids)
    write_root(folder, apa, frames, ids, anode)
    counts = readout.counts or (0, 0, 0)
    write_spng(folder, frames, counts)
    stems = {c: (f"g4-rec-{n}", f"g4-tru-{n}") for n, c in enumerate(CONTAINERS[:3])}
    stems["spng"] = ("dnnroi-training-fodder", "dnnroi-training-truth")
    endings = dict(zip(CONTAINERS, ("h5", "npz", "root", "npz"), strict=True))
    pairs = {
        c: FilePair(*(folder / f"{stem}.{endings[c]}" for stem in both))
        for c, both in stems.items()
    }
    named = ",".join(str(path) for pair in pairs.values() for path in (pair.rec, pair.tru))
    out = folder / "converted"
    convert = importlib.import_module("roilab.convert.__main__").main
    with pytest.MonkeyPatch.context() as patch:
        arguments = [f"frames=[{named}]", f"output_dir={out}", "container=h5"]
        patch.setattr(sys, "argv", ["roilab.convert", *arguments])
        convert()
    converted = {c: FilePair(*(out / f"{stem}.h5" for stem in both)) for c, both in stems.items()}
    v_range = slice(counts[0], sum(counts[:2]))
    return Files(pairs, converted, readout, frames, v_range)


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(files: Files, container: str, capsys: pytest.CaptureFixture[str]) -> None:
    for pair in (files.pairs[container], files.converted[container]):
        check_reading(pair, files.readout, files.frames, files.v_range)
    assert inspect(["--quick", str(files.pairs[container].rec)]) == 0
    assert "loose_lf" in capsys.readouterr().out


def test_a_detector_that_does_not_match_is_refused_with_those_that_do(tmp_path: Path) -> None:
    uboone, sbnd = known_readouts()["uboone"], known_readouts()["sbnd"]
    v_plane = np.arange(2400, 4800)
    assert find_anode(uboone, v_plane, "0", "").planes["V"] == (2400, 4800)
    # All ids are channels of SBND, but they begin and end inside of its planes.
    with pytest.raises(ChannelRangeError, match=r"f\.h5: .*They fit detector=uboone; choose it"):
        find_anode(sbnd, v_plane, "0", "f.h5")
    with pytest.raises(ChannelRangeError, match=r"7622 to 9605 .*fit detector=sbnd"):
        find_anode(uboone, np.arange(7622, 9606), "1", "f.h5")
    with pytest.raises(ChannelRangeError, match=r"one of dunehd, pdhd, pdsp"):
        find_anode(sbnd, np.arange(2560, 5120), "1", "f.h5")
    with pytest.raises(ChannelRangeError, match="No detector of roilab fits"):
        find_anode(sbnd, np.arange(10**6, 10**6 + 5), "1", "f.h5")
    # Channels with gaps, or a part of a plane, fit every detector that has them.
    assert find_anode(sbnd, np.array([2400, 2500, 4799]), "0", "").planes["V"] == (1984, 3968)
    assert matching_detectors(np.array([3, 7]), "0")[-1] == "uboone"
