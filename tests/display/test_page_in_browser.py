"""The interactive page as a reader meets it, where Chromium is installed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from browser import headless_chromium


def test_page_shows_and_tells_its_samples(
    run_display: Callable[..., Path], tracks_dir: Path, model: Path, tmp_path: Path
) -> None:
    pytest.importorskip("bokeh", reason="bokeh is not installed")
    out = run_display(
        f"rec={tracks_dir / 'g4-rec-0.h5'}",
        *("event=2", f"network={model}", "display.html=true", "display.pictures=[display]"),
        *("display.zoom_part=1", "display.zoom_margin=[2,30]"),
    )
    with headless_chromium(tmp_path / "profile") as page:
        from selenium.webdriver.support.wait import WebDriverWait

        page.open(out / "g4-rec-0-event2-apa1-V.html")
        ready = "return document.documentElement.dataset.roilab === 'ready'"
        WebDriverWait(page.driver, 60).until(lambda _: page.script(ready))
        values = dict(row[:2] for row in page.script("return roilab.valuesAt(221, 204)"))
        assert values["truth"] == 5000
        assert values["charge of AboveThreshold"] == 4000  # less the node's baseline
        shown = "return [roilab.plot.x_range.start, roilab.plot.x_range.end]"
        assert page.script(shown) == [171.5, 236.5]
        page.script("roilab.showAll()")
        assert page.script(shown) == [-0.5, 479.5]
        whole = page.script("roilab.draw(); return new Set(roilab.source.data.image[0]).size")
        assert whole > 1  # a pulse of five ticks is seen in the whole plane
        assert not [text for text in page.problems() if not text.startswith("INFO")]
        for dark, back in ((False, "rgb(255, 255, 255)"), (True, "rgb(22, 24, 27)")):
            page.open(out / "g4-rec-0-event2-apa1-V.html", width=390, dark=dark)
            WebDriverWait(page.driver, 60).until(lambda _: page.script(ready))
            colour = "return getComputedStyle(document.body).backgroundColor"
            assert page.script(colour) == back
            assert page.script("return document.documentElement.scrollWidth") <= 390
            assert not page.accessibility_problems()
