"""The command, as a user runs it, with what can go wrong."""

import base64
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roilab.frames import FrameWriter
from tiny_frames import PER_APA, START_NS, TICK_NS, TICKS

Run = Callable[..., Path]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix in (".png", ".pdf", ".html")}


def test_every_picture_of_an_event(run_display: Run, tracks_dir: Path, model: Path) -> None:
    out = run_display(
        f"rec={tracks_dir / 'g4-rec-0.h5'}",
        *("event=2", f"network={model}", "mask_thresh=[0.5,0.7]", "display.formats=[png,pdf]"),
        *(
            "display.charge_cut=2500",
            "network_spec.pad=1",
            "display.axis=us",
            "display.scale=symlog",
        ),
    )
    stem = "g4-rec-0-event2-apa1-V"
    kinds = ("display", "waveforms", "evolution", "comparison")
    assert names(out) == {f"{stem}-{kind}.{end}" for kind in kinds for end in ("png", "pdf")}
    assert all((out / name).stat().st_size > 1000 for name in names(out))
    # 2, 4 and 2 ke of 3 channels are left by the node; the cut takes two of three ticks.
    assert "removes 6 of 9 pixels (66.7 %) and 1.2e+04 of 2.4e+04 e" in read_log(out)


def test_region_of_the_signal_is_shown(run_display: Run, tracks_dir: Path, model: Path) -> None:
    rec = f"rec={tracks_dir / 'g4-rec-0.h5'}"
    near = ["event=2", "display.zoom_part=1", "display.zoom_margin=[2,30]"]
    out = run_display(rec, *near, f"network={model}", "display.pictures=[display]")
    # Truth above 100 e: 5 ticks from 202 on, in 4 channels from 220 on.
    said = "channels 218 to 225, ticks 172 to 236: 100 % of the truth charge; display.zoom=full"
    assert said in read_log(out)
    out = run_display(rec, *near, "tru=null", f"network={model}", "display.pictures=[display]")
    assert "100 % of the charge of AboveThreshold" in read_log(out)
    out = run_display(rec, "event=2", "display.zoom=full", "display.pictures=[display]")
    assert read_log(out).count("% of the") == 2  # nothing new is said


def read_log(out: Path) -> str:
    return (out / "display.log").read_text()


def test_without_network_or_truth(run_display: Run, frames_dir: Path) -> None:
    rec = frames_dir / "g4-rec-0.h5"
    out = run_display(f"rec={rec}", "tru=null", "network_spec.rebin=10", "event=[100,102]")
    assert len(names(out)) == 6  # no comparison: there is nothing to compare


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["event=7"], "there is no event 7; it holds 100, 101, 102. Name one of these."),
        (["event=some"], "some in the list: expected a whole number of at least 0"),
        (["event=all", "max_events=2"], "3 events at once, with pictures of each; at most max_ev"),
        (["display.channel=12"], "display.channel=12: plane V holds channels 208 to 255; choose"),
        (["display.channels=[0,9]"], "display.channels=[0, 9]: plane V holds 208 to 255; choose"),
        (["display.ticks=[9,3]"], "expected [first, last + 1], two whole numbers of at least 0"),
        (["plane=X"], "plane=X: expected one of U, V, W, or null."),
        (["apa=4"], "event 100 has no tag of APA 4; it has those of 1. Set apa to one of these."),
        (["display.pictures=[comparison]"], "comparison: 0 to compare; give two networks"),
        (["display.pictures=[film]"], "film in the list: expected one of display, waveforms"),
        (["display.zoom=all"], "display.zoom=all: expected one of signal, full."),
        (["display.zoom_window=[0,5]"], "0 in the list: expected a whole number of at least 1"),
        (["display.pool=median"], "display.pool=median: expected one of max, mean."),
        (["display.dpi=0"], "display.dpi=0: expected a whole number of at least 1."),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    run_display: Run,
    frames_dir: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_display(f"rec={frames_dir / 'g4-rec-0.h5'}", "network_spec.rebin=10", *arguments)
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert sentence in told.replace("\n", " ")
    assert "Traceback" not in told


def test_thousands_of_events_are_refused_before_any_is_drawn(
    run_display: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    channels = np.arange(PER_APA, PER_APA + 1)
    with FrameWriter(tmp_path / "rec.h5") as writer:
        for event in range(3000):
            nothing = np.zeros((1, 2), np.float32)
            writer.add(event, "gauss1", nothing, channels, START_NS, TICK_NS)
    with pytest.raises(SystemExit):
        run_display(f"rec={tmp_path / 'rec.h5'}", "event=all")
    assert "3000 events at once, with pictures of each; at most max_events=10" in (
        capsys.readouterr().err
    )
    assert not names(tmp_path / "out")


def test_plane_without_channels_and_plane_without_charge(
    run_display: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with FrameWriter(tmp_path / "rec.h5") as writer:
        channels = np.arange(PER_APA + 48, PER_APA + 96)
        nothing = np.zeros((48, TICKS), np.float32)
        writer.add(0, "gauss1", nothing, channels, START_NS, TICK_NS)
    rec = f"rec={tmp_path / 'rec.h5'}"
    out = run_display(rec)
    assert len(names(out)) == 3
    assert "no charge in what is shown" in read_log(out)
    assert "no signal found to zoom to, so all is shown" in read_log(out)
    with pytest.raises(SystemExit):
        run_display(rec, "plane=U")
    told = capsys.readouterr().err.replace("\n", " ")
    assert "holds nothing of plane U (channels 160 to 207): its tags have channels 208" in told


def test_page_holds_every_sample(run_display: Run, tracks_dir: Path, model: Path) -> None:
    pytest.importorskip("bokeh", reason="bokeh is not installed")
    out = run_display(
        f"rec={tracks_dir / 'g4-rec-0.h5'}",
        *("event=2", f"network={model}", "display.html=true", "display.pictures=[display]"),
    )
    page = (out / "g4-rec-0-event2-apa1-V.html").read_text()
    assert "<script src" not in page
    assert "<link" not in page
    (found,) = re.findall(r'\["name","truth"\].*?\["step",(.*?)\].*?\["data","(.*?)"\]', page)
    planes = np.frombuffer(zlib.decompress(base64.b64decode(found[1])), np.uint8)
    steps = np.ascontiguousarray(planes.reshape(2, -1).T).view("<i2").reshape(48, TICKS)
    values = np.cumsum(steps, axis=1) * float(found[0])
    assert values[13, 200:209].tolist() == [0, 0, 1000, 3000, 5000, 3000, 1000, 0, 0]
    assert np.count_nonzero(values) == 4 * 5


def test_page_without_bokeh(
    run_display: Run,
    frames_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "bokeh"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "roilab.plots.page", raising=False)
    monkeypatch.setitem(sys.modules, "bokeh", None)  # type: ignore[arg-type]
    rec = f"rec={frames_dir / 'g4-rec-0.h5'}"
    with pytest.raises(SystemExit):
        run_display(rec, "display.html=true", "display.pictures=[display]")
    assert "display.html=true needs bokeh, which is not installed; pip install" in (
        capsys.readouterr().err.replace("\n", " ")
    )


def test_page_that_would_be_too_large(
    run_display: Run, frames_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("bokeh", reason="bokeh is not installed")
    rec = f"rec={frames_dir / 'g4-rec-0.h5'}"
    with pytest.raises(SystemExit):
        run_display(rec, "display.html=true", "display.html_mb=1")
    assert "the page cannot be made that small; show fewer ticks" in (
        capsys.readouterr().err.replace("\n", " ")
    )
