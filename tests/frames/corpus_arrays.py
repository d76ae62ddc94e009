"""Kinds of frame files whose arrays differ: types, shapes, ids, times, values, tags."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from corpus_files import (
    EVENT,
    FIRST,
    IDS,
    START_NS,
    TICK_NS,
    TICKS,
    Tag,
    Tags,
    changed,
    dense,
    members,
    rec_tags,
    tru_tags,
    write_archive,
    write_h5,
)
from corpus_kind import IN_LAYER, IN_TRUTH, Kind, layer_faults, pair

ZERO = {"mp2_roi": np.zeros((6, TICKS), np.float32)}
LAYER = rec_tags()["mp2_roi1"]
REAL = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">f4", ">i2", "g")


def kinds() -> Iterator[Kind]:
    yield from types()
    yield from orders()
    yield from ids()
    yield from times()
    yield from values()
    yield from empty()
    yield from tags()
    yield from squares()


def types() -> Iterator[Kind]:
    for dtype in REAL:
        tags = {
            tag: Tag(stored.frame.astype(dtype), stored.channels, stored.tickinfo)
            for tag, stored in rec_tags().items()
        }
        for suffix in (".h5", ".npz"):
            yield Kind(f"{suffix} samples {dtype}", pair(tags, tru_tags(), suffix))
    frame = LAYER.frame
    structured = np.zeros(frame.shape, [("charge", "f4")])
    bad = {"complex": frame.astype("c8"), "bool": frame > 50, "structured": structured,
           "bytes": frame.astype("S4")}  # fmt: skip
    yield from layer_faults(".h5", [(name, {"frame": array}) for name, array in bad.items()])
    bad |= {"datetime": frame.astype("M8[s]"), "timedelta": frame.astype("m8[s]"),
            "text": frame.astype("U4"), "objects": frame.astype(object)}  # fmt: skip
    yield from layer_faults(".npz", [(name, {"frame": array}) for name, array in bad.items()])


def orders() -> Iterator[Kind]:
    def stored(change: Any) -> tuple[Tags, Tags]:
        both = rec_tags(), tru_tags()
        return tuple(
            {t: Tag(change(s.frame), s.channels, s.tickinfo) for t, s in tags.items()}
            for tags in both
        )  # type: ignore[return-value]

    for suffix in (".h5", ".npz", ".tar"):
        yield Kind(f"{suffix} (tick, channel)", pair(*stored(np.transpose), suffix))
        yield Kind(f"{suffix} Fortran order", pair(*stored(np.asfortranarray), suffix))
        turned = stored(lambda frame: np.asfortranarray(frame.T))
        yield Kind(f"{suffix} (tick, channel), Fortran order", pair(*turned, suffix))
    order = np.random.default_rng(0).permutation(len(IDS))
    mixed = changed(rec_tags(), "loose_lf1", frame=dense(1)[order], channels=IDS[order])
    for suffix in (".h5", ".npz"):
        yield Kind(f"{suffix} rows in any order", pair(mixed, tru_tags(), suffix))
    every = changed(rec_tags(), "loose_lf1", frame=dense(1)[::2], channels=IDS[::2])
    image = np.zeros((6, TICKS), np.float32)
    image[::2] = dense(1)[4:10:2]
    for suffix in (".h5", ".npz"):
        yield Kind(f"{suffix} every second channel", pair(every, tru_tags(), suffix),
                   images={"loose_lf": image})  # fmt: skip


def ids() -> Iterator[Kind]:
    own = LAYER.channels
    for name, channels in {"as float": own.astype(float), "as int64": own.astype(np.int64),
                           "as uint16": own.astype(np.uint16)}.items():  # fmt: skip
        yield Kind(f"ids {name}", pair(changed(rec_tags(), "mp2_roi1", channels=channels),
                                       tru_tags()))  # fmt: skip
    bad = {
        "double": np.r_[own[:-1], own[0]], "negative": own - FIRST - 5, "fractional": own + 0.5,
        "NaN": np.r_[own[:-1], np.nan], "infinite": np.r_[own[:-1], np.inf],
        "above 32 bits": own.astype(np.int64) + 2**40,
        "2**64 - 1": np.full(len(own), 2**64 - 1, np.uint64),
        "2-dimensional": own[:, None], "one number": np.int32(5), "one too few": own[:-1],
        "one too many": np.r_[own, 30], "complex": own.astype(complex), "bool": own > 0,
        "bytes": own.astype("S4"),
    }  # fmt: skip
    for suffix in (".h5", ".npz"):
        arrays = [(f"ids {name}", {"channels": array}) for name, array in bad.items()]
        yield from layer_faults(suffix, arrays)
        absent = [(f"no {kind}", {kind: None}) for kind in ("channels", "tickinfo")]
        yield from layer_faults(suffix, absent)
    outside = {"of another anode": IDS[2:12] + 64, "from 0 beside global": IDS[2:12] - FIRST}
    for name, channels in outside.items():
        tru = changed(tru_tags(), "deposplat1", channels=channels)
        yield Kind(f"truth ids {name}", pair(rec_tags(), tru), IN_TRUTH, inspect_code=int(
            not np.isin(channels, IDS).any()))  # fmt: skip
        rec = changed(rec_tags(), "mp2_roi1", channels=own - FIRST if "0" in name else own + 64)
        yield Kind(f"layer ids {name}", pair(rec, tru_tags()), IN_LAYER)
    low = changed(rec_tags(), "mp2_roi1", frame=LAYER.frame[:3], channels=IDS[:3])
    yield Kind("a layer with rows of another plane only", pair(low, tru_tags()), images=ZERO)


def times() -> Iterator[Kind]:
    def info(*values: Any) -> dict[str, Any]:
        return {"tickinfo": np.array(values)}

    bad = {
        "tick 0": (START_NS, 0.0, 7.0), "tick negative": (START_NS, -TICK_NS, 7.0),
        "tick NaN": (START_NS, np.nan, 7.0), "tick infinite": (START_NS, np.inf, 7.0),
        "start NaN": (np.nan, TICK_NS, 7.0), "start infinite": (-np.inf, TICK_NS, 7.0),
        "start 1e30": (1e30, TICK_NS, 7.0), "tbin NaN": (START_NS, TICK_NS, np.nan),
        "tbin infinite": (START_NS, TICK_NS, np.inf), "tbin 1e300": (START_NS, TICK_NS, 1e300),
        "tbin fractional": (START_NS, TICK_NS, 7.5), "2 numbers": (START_NS, TICK_NS),
        "4 numbers": (START_NS, TICK_NS, 7.0, 0.0), "no number": (),
        "complex": (START_NS, TICK_NS, 7j),
    }  # fmt: skip
    yield from layer_faults(".h5", [(f"tickinfo {n}", info(*v)) for n, v in bad.items()])
    away = {
        "1 s late": (START_NS + 1e9, TICK_NS, 7.0),
        "1 s early": (START_NS - 1e9, TICK_NS, 7.0),
        "other tick": (START_NS, 512.0, 7.0),
        "just after": (START_NS, TICK_NS, 40.0),
    }
    arrays = [(f"layer {n}", info(*v)) for n, v in away.items()]
    yield from layer_faults(".npz", arrays)
    for name, values in list(away.items())[:3]:
        tru = changed(tru_tags(), "deposplat1", **info(*values))
        yield Kind(f"truth {name}", pair(rec_tags(), tru), IN_TRUTH)
    short = {"frame": dense(3)[2:12, :20], **info(START_NS - 25 * TICK_NS, TICK_NS, 0.0)}
    yield Kind("a short truth before the readout", pair(
        rec_tags(), changed(tru_tags(), "deposplat1", **short)),
        images={"truth": ZERO["mp2_roi"]}, inspect_code=1)  # fmt: skip
    good = {"tbin negative": info(START_NS + 9 * TICK_NS, TICK_NS, -2.0),
            "of shape (1, 3)": {"tickinfo": LAYER.tickinfo[None]},
            "as float32": {"tickinfo": LAYER.tickinfo.astype(np.float32)}}  # fmt: skip
    for name, arrays in good.items():
        yield Kind(f"tickinfo {name}", pair(changed(rec_tags(), "mp2_roi1", **arrays), tru_tags()))


def values() -> Iterator[Kind]:
    bad = {"NaN": np.nan, "infinite": np.inf, "-infinite": -np.inf, "1e300": 1e300,
           "3e38 in float32": np.float32(3e38), "-1e19": -1e19}  # fmt: skip
    for suffix in (".h5", ".tar"):
        arrays = []
        for name, value in bad.items():
            frame = LAYER.frame.astype(np.asarray(value).dtype)
            frame[3, 2] = value
            arrays.append((f"value {name}", {"frame": frame}))
        yield from layer_faults(suffix, arrays)
    frame = LAYER.frame.astype(np.uint64)
    frame[3, 2] = 2**64 - 1
    yield from layer_faults(".h5", [("value -1 as uint64", {"frame": frame})])
    tru = changed(tru_tags(), "deposplat1", frame=tru_tags()["deposplat1"].frame.copy())
    tru["deposplat1"].frame[4, 0] = np.nan  # before the readout
    yield Kind("NaN outside the image", pair(rec_tags(), tru), inspect_code=1)


def empty() -> Iterator[Kind]:
    shapes = {"no rows": (0, 20), "no columns": (6, 0), "nothing": (0, 0)}
    for suffix in (".h5", ".npz", ".tar.gz"):
        for name, shape in shapes.items():
            new = {"frame": np.zeros(shape, np.float32), "channels": LAYER.channels[: shape[0]]}
            rec = changed(rec_tags(), "mp2_roi1", **new)
            yield Kind(f"{suffix} {name}", pair(rec, tru_tags(), suffix), images=ZERO)
    shapes = {"scalar": (), "1-dimensional": (6,), "3-dimensional": (6, 20, 1)}
    arrays = [(f"frame {n}", {"frame": np.ones(s, np.float32)}) for n, s in shapes.items()]
    yield from layer_faults(".h5", arrays)
    yield from layer_faults(".npz", arrays)


def tags() -> Iterator[Kind]:
    other = {f"{tag[:-1]}12": Tag(s.frame + 1, s.channels + 11 * 16, s.tickinfo)
             for tag, s in rec_tags().items()}  # fmt: skip
    yield Kind("APA 1 beside APA 12", pair({**rec_tags(), **other}, tru_tags()))
    bare = {"deposplat": tru_tags()["deposplat1"]}
    yield Kind("truth without APA number", pair(rec_tags(), bare))
    yield Kind("another truth tag", pair(rec_tags(), {"ductor1": tru_tags()["deposplat1"]}))
    odd = (
        "[red]",
        "[#x]",
        "[@click=x()]y",
        "a b\nc",
        "\x1b[31m",
        "é²",
        "",
        "9" * 5000,
        "x_1_2",
        "..",
        "%s{}",
    )
    for name in odd:
        rec = {**rec_tags(), name: LAYER}
        yield Kind(f"beside a tag {ascii(name)[:20]}", pair(rec, tru_tags()))
    for name in ("[red]", "a b\nc", "%s{}"):
        yield Kind(f"only a tag {name!a}", pair({name: LAYER}, tru_tags()), ("rec.", "100"),
                   inspect_code=0)  # fmt: skip
    here = {t: s for t, s in rec_tags().items() if t != "mp2_roi1"}
    two = {EVENT: here, 101: rec_tags()}
    both = {EVENT: tru_tags(), 101: tru_tags()}
    for suffix in (".h5", ".npz"):

        def write_two(folder: Any, suffix: str = suffix) -> None:
            for name, events in (("rec", two), ("tru", both)):
                path = folder / f"{name}{suffix}"
                if suffix == ".h5":
                    write_h5(path, events)
                else:
                    write_archive(path, {k: v for e, t in events.items()
                                         for k, v in members({e: t}).items()})  # fmt: skip

        yield Kind(f"{suffix} a tag that only another event has", write_two, images=ZERO)
    yield Kind("a tag that no event has", pair(here, tru_tags()), ("rec.", "event 100", "mp2_roi1"),
               inspect_code=0)  # fmt: skip
    yield Kind("no truth tag", pair(rec_tags(), rec_tags()), ("tru.", "event 100", "deposplat1"),
               inspect_code=0)  # fmt: skip


def squares() -> Iterator[Kind]:
    frame, channels = dense(5)[:, :16], IDS
    image = np.zeros((6, TICKS), np.float32)
    image[:, 7:23] = frame[4:10]
    for suffix in (".h5", ".npz"):
        for name, turn in (("square", False), ("square turned", True)):
            rec = {
                t: Tag(s.frame.T if turn else s.frame, s.channels, s.tickinfo)
                for t, s in rec_tags().items()
            }
            new = frame.T if turn else frame
            rec = changed(rec, "mp2_roi1", frame=new, channels=channels)
            yield Kind(f"{suffix} {name}", pair(rec, tru_tags(), suffix),
                       images={"mp2_roi": image})  # fmt: skip
    square = {"deposplat1": Tag(frame, channels, np.array([START_NS, TICK_NS, 7.0]))}
    yield Kind("square truth alone", pair(rec_tags(), square), IN_TRUTH)
    gaps = np.r_[IDS[:15], 31 + 5]
    square = changed(square, "deposplat1", channels=gaps)
    yield Kind("square truth alone, with gaps", pair(rec_tags(), square),
               images={"truth": image})  # fmt: skip
