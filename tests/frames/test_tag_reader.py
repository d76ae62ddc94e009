"""Tags and truth of one event on the tick axis of the reconstruction."""

from pathlib import Path

import numpy as np
import pytest

from roilab.frames import FrameWriter, MissingTagError, TagReader, TruthTag, open_frames

ONES = np.ones((2, 5), np.float32)


def test_tags_and_truth_share_the_axis_of_the_first_tag(tmp_path: Path) -> None:
    with FrameWriter(tmp_path / "rec.h5") as rec, FrameWriter(tmp_path / "tru.h5") as tru:
        rec.add(7, "gauss1", 2 * ONES, [3, 4], 1000.0, 500.0)  # two ticks after loose_lf1
        rec.add(7, "loose_lf1", ONES, [3, 4], 0.0, 500.0)
        tru.add(0, "deposplat1", 3 * ONES, [3, 4], -500.0, 500.0)  # one tick before it
    with open_frames(tmp_path / "rec.h5") as rec, open_frames(tmp_path / "tru.h5") as tru:
        truth = TruthTag(tru, 0, "deposplat1")
        reader = TagReader(rec, 7, "1", ["mp2_roi", "loose_lf", "gauss"], truth)
        assert (list(reader.infos), reader.axis.start_ns) == (["loose_lf", "gauss"], 0.0)
        rows = [reader.read(tag, (3, 4), (0, 7))[0].tolist() for tag in reader.infos]
        rows.append(reader.read_truth((3, 4), (0, 7))[0].tolist())
        assert rows == [[1] * 5 + [0] * 2, [0] * 2 + [2] * 5, [3] * 4 + [0] * 3]


def test_absent_tags_and_truth_are_named(tmp_path: Path) -> None:
    with FrameWriter(tmp_path / "rec.h5") as writer:
        writer.add(7, "gauss1", ONES, [3, 4], 0.0, 500.0)
    with open_frames(tmp_path / "rec.h5") as rec:
        with pytest.raises(MissingTagError, match=r"event 7 has none of the tags a1, b1; it has g"):
            TagReader(rec, 7, "1", ["a", "b"])
        with pytest.raises(MissingTagError, match="event 7 has no truth"):
            TagReader(rec, 7, "1", ["gauss"]).read_truth((3, 4), (0, 5))
