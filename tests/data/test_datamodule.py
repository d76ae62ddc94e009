"""From files to batches: selection, split, masks, cache, and errors of the user."""

import shutil
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from roilab.data import DataConfigError, ImageSource, RoiDataModule, split_by_event
from roilab.data.dataset import ShapeError
from roilab.data.sampler import UnrepeatedSampler
from roilab.data.split import SplitError
from roilab.errors import RoilabError
from roilab.frames import (
    BadChargeError,
    ChannelRangeError,
    FilePair,
    FrameFileError,
    FrameWriter,
    MissingTagError,
    TickAxisError,
    Window,
)
from roilab.frames.selection import FileSelectionError
from tiny_frames import PER_APA, START_NS, TICK_NS, event_frames, write_pair

Make = Callable[..., RoiDataModule]
DETECTOR = {"u": {"channels": 48}, "v": {"channels": 48}, "w": {"channels": 64}, "nticks": 480}

WHOLE = {
    "per_image": None, "channels": 16, "slices": 24,
    "signal": 0.5, "prolonged": 0.25, "empty": 0.25, "prolonged_slices": 4,
}  # fmt: skip

UNCHANGED = {
    "flip": 0.0, "gain": [1.0, 1.0], "dead_channels": 0.0, "shift": 0, "noise": 0.0,
    "not_charge": ["mp2_roi"], "from_other_planes": ["mp2_roi"],
}  # fmt: skip


@pytest.fixture
def make(frames_dir: Path) -> Make:
    """Return a function that makes a data module on the tiny frames with changed settings."""

    def build(**changes: Any) -> RoiDataModule:
        settings: dict[str, Any] = {
            "dir": str(frames_dir),
            "rec": "g4-rec-*.h5",
            "tru": "g4-tru-*.h5",
            "reader": None,
            "train_files": None,
            "val_files": None,
            "test_files": None,
            "samples": [],
            "val_fraction": 0.4,
            "split_seed": 1,
            "shuffle_seed": 1,
            "layers": ["loose_lf", "mp2_roi"],
            "truth": ["deposplat", "ductor"],
            "planes": ["V"],
            "stack": False,
            "channel_range": None,
            "apas": None,
            "detector": DETECTOR,
            "first_channel": None,
            "tick_range": None,
            "rebin": 10,
            "channel_rebin": 1,
            "normalization": "scalar",
            "input_scale": 1 / 4000,
            "threshold": 100.0,
            "pad": 0,
            "pad_unit": "bins",
            "batch_size": 1,
            "val_batch_size": 1,
            "crop": WHOLE,
            "augment": UNCHANGED,
            "num_workers": 0,
            "pin_memory": None,
            "cache": None,
            "on_error": "stop",
        }
        return RoiDataModule(**{**settings, **changes})

    return build


def names(module: RoiDataModule, stage: str) -> set[str]:
    return {source.name for source in module.dataset(stage).sources}  # type: ignore[arg-type]


def test_sample_by_hand(make: Make) -> None:
    module = make(val_files=["g4-rec-1.h5"], pad=1, rebin=5)
    module.setup()
    sample = module.dataset("val")[0]
    assert sample["name"] == "g4-rec-1.h5 event 110 APA 1 V"
    frames = event_frames(1110)
    layers = [frames[tag][48:96] for tag in ("loose_lf", "mp2_roi")]
    expected = np.stack([f.reshape(48, 96, 5).mean(2) for f in layers]) / 4000
    np.testing.assert_allclose(sample["image"], expected, rtol=2e-5, atol=1e-7)
    mask = frames["deposplat"][48:96].reshape(48, 96, 5).mean(2) > 100
    padded = mask.copy()
    padded[:, 1:] |= mask[:, :-1]
    padded[:, :-1] |= mask[:, 1:]
    np.testing.assert_array_equal(sample["truth_mask"][0], padded)
    assert padded.sum() > mask.sum() > 0


def test_layouts_of_real_files_give_the_same_sample(make: Make, tmp_path: Path) -> None:
    """(tick, channel), ids from 0, ductor, sparse rows, earlier start, other event ids."""
    frames = event_frames(1110)
    early = np.pad(frames["deposplat"], ((0, 0), (37, 5)))
    kept = np.flatnonzero(early.any(1))
    with h5py.File(tmp_path / "g4-rec-9.h5", "w") as rec:
        for tag in ("loose_lf", "mp2_roi"):
            rec[f"7/frame_{tag}3"] = frames[tag].T
            rec[f"7/channels_{tag}3"] = np.arange(PER_APA)
            rec[f"7/tickinfo_{tag}3"] = [START_NS, TICK_NS, 0]
    with FrameWriter(tmp_path / "g4-tru-9.h5") as tru:
        tru.add(0, "ductor3", early[kept], kept, START_NS - 30 * TICK_NS, TICK_NS, -7)
    samples = []
    for kind in ("rec", "tru"):
        shutil.copy(tmp_path / f"g4-{kind}-9.h5", tmp_path / f"g4-{kind}-8.h5")
    for settings in ({}, {"dir": str(tmp_path), "val_files": ["g4-rec-9.h5"]}):
        module = make(**{"val_files": ["g4-rec-1.h5"], **settings})
        module.setup()
        samples.append(module.dataset("val")[0])
    torch.testing.assert_close(samples[0]["image"], samples[1]["image"])
    torch.testing.assert_close(samples[0]["truth_mask"], samples[1]["truth_mask"])


def test_planes_alone_and_stacked(make: Make) -> None:
    alone, stacked = make(planes=["U", "V"]), make(planes=["U", "V"], stack=True)
    alone.setup()
    stacked.setup()
    assert len(alone.dataset("train")) == 2 * len(stacked.dataset("train"))
    joined = torch.cat([alone.dataset("train")[i]["image"] for i in (0, 1)], dim=1)
    torch.testing.assert_close(stacked.dataset("train")[0]["image"], joined)
    assert stacked.dataset("train").sources[0].plane == "U+V"


def test_channel_range_and_channel_rebin(make: Make) -> None:
    module = make(channel_range=(50, 60), channel_rebin=2)
    module.setup()
    full = make()
    full.setup()
    rows = full.dataset("train")[0]["image"][:, 2:12]
    expected = rows.reshape(2, 5, 2, 48).mean(2)
    # The mean of rounded values against the rounded mean.
    torch.testing.assert_close(module.dataset("train")[0]["image"], expected, rtol=0, atol=2e-5)


def test_several_anodes_in_one_file(make: Make, tmp_path: Path) -> None:
    write_pair(tmp_path, 0, [1, 2], apa=0)
    for kind in ("rec", "tru"):
        with h5py.File(tmp_path / f"g4-{kind}-0.h5", "a") as file:
            for event in ("1", "2"):
                for name in list(file[event]):
                    data = file[event][name][...]
                    data = data + 2 * PER_APA if name.startswith("channels") else data
                    file[event][name[:-1] + "2"] = data
    both = make(dir=str(tmp_path))
    both.setup()
    assert names(both, "train") | names(both, "val") == {
        f"g4-rec-0.h5 event {event} APA {apa} V" for event in (1, 2) for apa in (0, 2)
    }
    one = make(dir=str(tmp_path), apas=[2])
    one.setup()
    assert len(one.dataset("train")) == len(one.dataset("val")) == 1
    torch.testing.assert_close(both.dataset("train")[0]["image"], both.dataset("train")[1]["image"])
    with pytest.raises(MissingTagError, match="no tag 'loose_lf5'"):
        make(dir=str(tmp_path), apas=[5]).setup()


def source(file: int, event: int, plane: str, folder: str = "f") -> ImageSource:
    pair = FilePair(Path(folder) / f"r{file}", Path(folder) / f"t{file}")
    window = Window((0, 160), (0, 480))
    return ImageSource(pair, event, event, "1", plane, ((0, 1),), "t1", window)


@given(st.integers(2, 40), st.floats(0, 0.9), st.integers(0, 5), st.randoms())
def test_split_by_event(n: int, fraction: float, seed: int, random: Any) -> None:
    sources = [source(e // 5, e, plane) for e in range(n) for plane in "UV"]
    shuffled = random.sample(sources, len(sources))
    splits = [split_by_event(given_, fraction, seed) for given_ in (sources, shuffled)]
    train, val = ({s.event_key for s in side} for side in splits[0])
    assert not train & val
    assert len(train | val) == n
    assert len(val) == min(max(1, round(fraction * n)), n - 1)
    assert len(splits[0][0]) == 2 * len(train)
    for one, other in zip(*splits, strict=True):
        assert set(one) == set(other)


def test_split_depends_on_the_seed_not_on_the_folder() -> None:
    sources = [source(0, e, "V") for e in range(30)]
    moved = [source(0, e, "V", "elsewhere") for e in range(30)]
    chosen = [{s.rec_event for s in split_by_event(x, 0.3, 1)[1]} for x in (sources, moved)]
    assert chosen[0] == chosen[1] != {s.rec_event for s in split_by_event(sources, 0.3, 2)[1]}
    with pytest.raises(SplitError, match="expected at least 2"):
        split_by_event(sources[:1], 0.1, 0)


def test_named_files(make: Make, tmp_path: Path) -> None:
    module = make(val_files=["g4-rec-1*"], test_files=["g4-rec-1.h5"])
    module.setup()
    assert module.has_test
    assert names(module, "val") == names(module, "test")
    assert len(module.dataset("train")) == 3
    copy = shutil.copytree(module.settings.dir, tmp_path / "copy")
    elsewhere = make(val_files=[f"{copy}/g4-rec-1.h5"])
    elsewhere.setup()
    assert len(elsewhere.dataset("train")) == 5
    assert {s.pair.rec.parent for s in elsewhere.dataset("val").sources} == {copy}
    with pytest.raises(FileSelectionError, match=r"data\.val_files: 'g4-rec-7\.h5' is none of"):
        make(val_files=["g4-rec-7.h5"]).setup()
    with pytest.raises(FileSelectionError, match=r"train_files and data\.test_files both name g4"):
        make(train_files=["g4-rec-0.h5"], test_files=["g4-rec-*"]).setup()
    with pytest.raises(DataConfigError, match="no image is left for train"):
        make(val_files=["g4-rec-*"]).setup()


def test_cache_gives_what_the_frames_give(make: Make, tmp_path: Path) -> None:
    plain = make(planes=["U", "V", "W"])
    cached = make(planes=["U", "V", "W"], cache={"dir": tmp_path, "max_gb": 1})
    cached.prepare_data()
    plain.setup()
    assert cached.cache is not None
    assert len(cached.cache.shards) == 15
    for index in range(len(plain.dataset("train"))):
        for kept, read in zip(
            cached.dataset("train")[index].values(),
            plain.dataset("train")[index].values(),
            strict=True,
        ):
            assert torch.equal(kept, read) if isinstance(kept, torch.Tensor) else kept == read
    # Another threshold and padding find everything in the cache.
    size = cached.cache.size_bytes()
    other = make(planes=["U", "V", "W"], threshold=500, pad=2, cache={"dir": tmp_path, "max_gb": 1})
    other.prepare_data()
    assert cached.cache.size_bytes() == size


def test_layer_statistics(make: Make) -> None:
    module = make(normalization="layer")
    module.setup()
    mean, width = module.layer_statistics()
    images = torch.stack([module.dataset("train")[i]["image"] for i in range(3)]).double()
    torch.testing.assert_close(mean.double(), images.mean((0, 2, 3)))
    expected = images.std((0, 2, 3), correction=0)
    torch.testing.assert_close(width.double(), expected)


def test_batches(make: Make) -> None:
    module = make(batch_size=2)
    module.setup()
    batch = next(iter(module.train_dataloader()))
    assert batch["image"].shape == (2, 2, 48, 48)
    assert batch["truth_mask"].shape == (2, 1, 48, 48)
    assert batch["truth_mask"].unique().tolist() == [0, 1]
    module = make(batch_size=2, val_batch_size=1)
    module.setup()
    assert next(iter(module.val_dataloader()))["image"].shape[0] == 1
    assert next(iter(module.train_dataloader()))["image"].shape[0] == 2
    mixed = make(val_batch_size=3, planes=["V", "W"])
    mixed.setup()
    with pytest.raises(ShapeError, match=r"data\.batch_size=1"):
        list(mixed.val_dataloader())


@pytest.mark.parametrize(("length", "size"), [(10, 3), (4, 4), (7, 2)])
def test_no_image_is_validated_twice(length: int, size: int) -> None:
    shares = [list(UnrepeatedSampler(length, rank, size)) for rank in range(size)]
    assert sorted(chain.from_iterable(shares)) == list(range(length))
    assert all(list(UnrepeatedSampler(2, rank, 3)) for rank in range(3))


BAD_SETTINGS = [
    ({"rebin": 481}, "data.rebin=481 is not from 1 to 480, the number of ticks"),
    ({"channel_rebin": 5}, "data.channel_rebin=5 does not divide"),
    ({"planes": ["X"]}, "data.planes=[X]: X in the list: expected one of U, V, W."),
    ({"normalization": "x"}, "data.normalization=x: expected one of scalar, layer"),
    ({"pad_unit": "x"}, "data.pad_unit=x: expected one of bins"),
    ({"planes": ["U", "V"], "channel_range": (0, 5)}, "exactly one plane"),
]


@pytest.mark.parametrize(("changes", "text"), BAD_SETTINGS, ids=lambda value: str(value)[:30])
def test_settings_that_do_not_fit(make: Make, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(RoilabError) as caught:
        make(**changes)
    assert text in str(caught.value)


def test_files_that_do_not_fit(make: Make) -> None:
    with pytest.raises(MissingTagError, match=r"event 100 has no tag 'tight_lf1'; it has gauss1"):
        make(layers=["loose_lf", "tight_lf"]).setup()
    with pytest.raises(MissingTagError, match=r"g4-tru-0\.h5: event 100 has no tag 'x1' or 'y1'"):
        make(truth=["x", "y"]).setup()
    with pytest.raises(ChannelRangeError, match=r"is channels 208 to 359.*hold 160 to 319"):
        make(channel_range=(48, 200)).setup()
    with pytest.raises(ChannelRangeError, match=r"160 to 319 are not those of the detector"):
        make(detector={**DETECTOR, "u": {"channels": 10}, "w": {"channels": 10}}).setup()
    with pytest.raises(TickAxisError, match=r"ticks 0 to 480 against data.tick_range=\[500, 600\]"):
        make(tick_range=(500, 600)).setup()


def test_bad_charge_leaves_nothing_in_the_cache(make: Make, tmp_path: Path) -> None:
    write_pair(tmp_path, 0, [1, 2])
    with h5py.File(tmp_path / "g4-rec-0.h5", "a") as file:
        for event in ("1", "2"):
            file[event]["frame_loose_lf1"][50, 3] = np.nan
    module = make(dir=str(tmp_path), cache={"dir": tmp_path / "cache", "max_gb": 1})
    with pytest.raises(BadChargeError, match=r"NaN or infinite .*the first in channel 210"):
        module.prepare_data()
    assert not list((tmp_path / "cache").glob("*.index"))


def spoiled_frames(folder: Path) -> dict[str, str]:
    """Write 8 events with an unreadable file, a bad sample and other channels in three of them."""
    write_pair(folder, 0, [0, 1, 2, 3])
    write_pair(folder, 1, [10, 11])
    write_pair(folder, 2, [20, 21])
    (folder / "g4-rec-1.h5").write_bytes(b"no frames")
    with h5py.File(folder / "g4-rec-0.h5", "a") as file:
        file["1"]["frame_mp2_roi1"][60, 3] = np.inf
    with h5py.File(folder / "g4-tru-2.h5", "a") as file:
        file["20"]["channels_deposplat1"][...] = np.arange(PER_APA)
    return {
        "g4-rec-1.h5": "cannot be opened",
        "g4-rec-0.h5 event 1": "in channel 220 at column 3",
        "g4-rec-2.h5 event 20": "has 160 to 319",
    }


@pytest.mark.parametrize("cached", [True, False])
def test_bad_events_are_left_out_or_stop(make: Make, tmp_path: Path, cached: bool) -> None:
    reasons = spoiled_frames(tmp_path)
    cache = {"dir": tmp_path / "cache", "max_gb": 1} if cached else None
    settings: dict[str, Any] = {"dir": str(tmp_path), "cache": cache, "planes": ["U", "V"]}
    splits = []
    for _ in range(2):  # the second time as a resumed training does
        module = make(on_error="skip", **settings)
        module.prepare_data()
        module.setup()
        assert set(module.left_out) == set(reasons)
        assert all(text in module.left_out[name] for name, text in reasons.items())
        splits.append((names(module, "train"), names(module, "val")))
        assert {name.split(" APA")[0] for name in set.union(*splits[-1])} == {
            f"g4-rec-{file}.h5 event {event}" for file, event in ((0, 0), (0, 2), (0, 3), (2, 21))
        }
    assert splits[0] == splits[1]
    with pytest.raises(FrameFileError, match=r"g4-rec-1\.h5: cannot be opened"):
        make(on_error="stop", **settings).setup()
    with pytest.raises(DataConfigError, match=r"left out; g4-rec-0\.h5 event 0: .*'typo'"):
        make(on_error="skip", **{**settings, "layers": ["typo"]}).setup()


def test_a_folder_for_every_job(make: Make, tmp_path: Path) -> None:
    for job in ("job0", "job1"):
        (tmp_path / job).mkdir()
        write_pair(tmp_path / job, 0, [0, 1])
    with h5py.File(tmp_path / "job1" / "g4-tru-0.h5", "a") as file:
        file["1"]["frame_deposplat1"][...] = 0
    cache = {"dir": tmp_path / "cache", "max_gb": 1}
    patterns = {"dir": str(tmp_path), "rec": "*/g4-rec-*.h5", "tru": "*/g4-tru-*.h5"}
    module = make(val_files=["job1/g4-rec-0.h5"], cache=cache, **patterns)
    module.prepare_data()
    assert names(module, "train") == {f"job0/g4-rec-0.h5 event {n} APA 1 V" for n in (0, 1)}
    assert names(module, "val") == {f"job1/g4-rec-0.h5 event {n} APA 1 V" for n in (0, 1)}
    assert module.dataset("train")[1]["truth_mask"].any()
    assert not module.dataset("val")[1]["truth_mask"].any()
    assert module.cache is not None
    assert len(module.cache.shards) == 4


def test_crops_of_an_epoch(make: Make) -> None:
    """Both images in one batch; crops are parts of the image, and change with the epoch."""
    crop = {**WHOLE, "per_image": 3}
    loaders = [make(batch_size=2, crop=crop, num_workers=n) for n in (0, 0)]
    whole = make()
    for module in (*loaders, whole):
        module.setup()
    images = {
        item["name"]: item["image"] for item in map(whole.dataset("train").__getitem__, range(3))
    }
    epochs = []
    for module in loaders:
        loader = module.train_dataloader()
        for epoch in (0, 1):
            loader.sampler.set_epoch(epoch)  # type: ignore[union-attr]
            epochs.append(list(loader))
    first, second, again, _ = epochs
    assert [tuple(batch["image"].shape) for batch in first] == [(6, 2, 16, 24), (3, 2, 16, 24)]
    assert first[0]["truth_mask"].shape == (6, 1, 16, 24)
    for name, part in zip(first[0]["name"], first[0]["image"], strict=True):
        windows = images[name].unfold(1, 16, 1).unfold(2, 24, 1)
        assert (windows == part[:, None, None]).all((0, 3, 4)).any()
    torch.testing.assert_close(first[0]["image"], again[0]["image"], rtol=0, atol=0)
    assert not torch.equal(first[0]["image"], second[0]["image"])
    assert next(iter(loaders[0].val_dataloader()))["image"].shape[-2:] == (48, 48)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": 49}, "data.crop.channels=49 is larger than the image, 48 channels"),
        ({"slices": 50}, "data.crop.slices=50 is larger than the image, 48 slices"),
        ({"signal": 0.9}, "data.crop.signal, prolonged and empty are 0.9, 0.25 and 0.25"),
    ],
)
def test_crops_that_do_not_fit(make: Make, changes: dict[str, float], message: str) -> None:
    with pytest.raises(DataConfigError, match=message):
        make(crop={**WHOLE, "per_image": 3, **changes})


@pytest.mark.parametrize("per_image", [None, 2])
def test_augmented_images_follow_from_seed_epoch_and_image(
    make: Make, per_image: int | None
) -> None:
    """In any process and batch; validation images stay."""
    change = {**UNCHANGED, "flip": 0.5, "gain": [0.5, 2.0], "dead_channels": 0.3, "shift": 5}
    crop = {**WHOLE, "per_image": per_image}
    changes: list[dict[str, Any]] = [{}, {"num_workers": 1}, {"shuffle_seed": 9}]
    epochs: list[dict[str, Any]] = []
    for changed in changes:
        module = make(augment=change, crop=crop, **changed)
        module.setup()
        loader = module.train_dataloader()
        for epoch in (0, 1):
            loader.sampler.set_epoch(epoch)  # type: ignore[union-attr]
            epochs.append({batch["name"][0]: batch["image"] for batch in loader})
    first, second, again, later, other, _ = epochs
    assert first.keys() == second.keys() == again.keys() == other.keys()
    for name, image in first.items():
        assert torch.equal(image, again[name])
        assert torch.equal(second[name], later[name])
        assert not torch.equal(image, second[name])
        assert not torch.equal(image, other[name])
    plain, module = make(), make(augment=change)
    for each in (plain, module):
        each.setup()
    batches = (next(iter(each.val_dataloader())) for each in (plain, module))
    assert torch.equal(*(batch["image"] for batch in batches))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gain": [1.2, 0.8]}, r"data.augment.gain=\[1.2,0.8\]; expected the smallest"),
        ({"shift": 48}, "data.augment.shift=48 is not smaller than the image, 48 slices"),
        ({"flip": 0.5}, "data.augment.flip=0.5 with data.stack=true would change the order"),
    ],
)
def test_augmentation_that_does_not_fit(make: Make, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataConfigError, match=message):
        make(augment={**UNCHANGED, **changes}, stack="flip" in changes, planes=["U", "V"])
