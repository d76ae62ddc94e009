"""The pages in Chromium, as a reader has them."""

from pathlib import Path

import pytest

from browser import Page
from roilab.report.__main__ import main
from run_folders import write_sweep


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sweep")
    write_sweep(folder)
    assert main([str(folder)]) == 0
    return folder


def shown(browser: Page, heading: str) -> list[str]:
    """Texts of a column of the table of jobs."""
    return browser.script(
        "const table = document.querySelector('table.sortable');"
        "const names = [...table.tHead.rows[0].cells].map(cell => cell.textContent.trim());"
        "const column = names.indexOf(arguments[0]);"
        "return [...table.tBodies[0].rows].map(row => row.cells[column].textContent.trim())",
        heading,
    )


def press(browser: Page, heading: str) -> str:
    """Sort by a heading with the keyboard; returns its aria-sort."""
    from selenium.webdriver.common.keys import Keys

    buttons = browser.driver.find_elements("css selector", "th button")
    (button,) = (each for each in buttons if each.text.startswith(heading))
    button.send_keys(Keys.ENTER)
    return browser.script("return arguments[0].closest('th').getAttribute('aria-sort')", button)


def test_table_sorts(browser: Page, sweep: Path) -> None:
    browser.open(sweep / "report.html")
    assert shown(browser, "threshold") == ["50", "100", "200", "50", "100", "-"]
    assert press(browser, "threshold") == "ascending"
    assert shown(browser, "threshold") == ["50", "50", "100", "100", "200", "-"]
    assert press(browser, "threshold") == "descending"
    assert shown(browser, "threshold") == ["200", "100", "100", "50", "50", "-"]
    assert press(browser, "validation loss") == "ascending"
    assert shown(browser, "validation loss") == ["0.1", "0.11", "0.12", "0.5", "-", "-"]
    assert press(browser, "job") == "ascending"
    assert shown(browser, "job")[0] == "rebin-4+threshold-50"
    sorted_by = "return document.querySelectorAll('th[aria-sort]').length"
    assert browser.script(sorted_by) == 1
    assert browser.problems() == []


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["", "rebin-4+threshold-50"], ids=["sweep", "run"])
def test_pages_show(browser: Page, sweep: Path, name: str, dark: bool, width: int) -> None:
    browser.open(sweep / name / "report.html", width=width, dark=dark)
    assert browser.broken_pictures() == []
    assert browser.problems() == []
    # Nothing but tables is wider than the window.
    assert browser.script("return document.documentElement.scrollWidth") <= width
    back = browser.script("return getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(22, 24, 27)" if dark else "rgb(255, 255, 255)")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["", "rebin-4+threshold-50"], ids=["sweep", "run"])
def test_accessible(browser: Page, sweep: Path, name: str, dark: bool) -> None:
    browser.open(sweep / name / "report.html", width=390, dark=dark)
    assert browser.accessibility_problems() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["", "rebin-4+threshold-50"], ids=["sweep", "run"])
def test_text_stands_out(browser: Page, sweep: Path, name: str, dark: bool) -> None:
    """Contrast of all text of at least 4.5 to 1 (WCAG 2, AA)."""
    browser.open(sweep / name / "report.html", dark=dark)
    assert browser.script(_WEAK) == []


def test_pictures_of_runs_open(browser: Page, sweep: Path) -> None:
    browser.open(sweep / "report.html")
    link = browser.driver.find_element("css selector", "section[aria-labelledby=pictures] a")
    link.click()
    assert browser.driver.current_url.endswith("/rebin-4%2Bthreshold-50/pictures/loss.png")
    assert browser.script("return document.images[0].naturalWidth") > 0


def test_focus_is_seen_and_begins_with_the_content(browser: Page, sweep: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(sweep / "report.html")
    browser.driver.switch_to.active_element.send_keys(Keys.TAB)
    focused = browser.driver.switch_to.active_element
    assert focused.text == "To the content"
    assert focused.value_of_css_property("outline-style") == "solid"


_WEAK = """
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const behind = element => {
  for (let each = element; each; each = each.parentElement) {
    const colour = rgb(getComputedStyle(each).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const weak = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
  const pair = [rgb(getComputedStyle(element).color), behind(element)].map(light).sort();
  const [low, high] = pair[0] < pair[1] ? pair : pair.reverse();
  if ((high + 0.05) / (low + 0.05) < 4.5) weak.push(walker.currentNode.data.trim());
}
return weak;
"""
