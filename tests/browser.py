"""Pages in a real browser: headless Chromium, driven by selenium, without network."""

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Works for every user (root too), opens no connection, and resolves no host name.
_SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--hide-scrollbars"),
)


class Page:
    """A browser window.

    Attributes:
        driver: selenium's driver, for what has no method here (``find_elements``, ...).
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a file in a window of the given size [CSS pixel], light or dark."""
        self.resize(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self._logs()  # drop the entries of the page before
        self.driver.get(path.resolve().as_uri())

    def resize(self, width: int, height: int) -> None:
        """Change the window's size [CSS pixel]."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def script(self, source: str, *arguments: Any) -> Any:
        """Run a JavaScript function body in the page and return its result."""
        return self.driver.execute_script(source, *arguments)

    def problems(self) -> list[str]:
        """Return console messages, failed requests and requests to the network.

        Since the page was opened, or since the last call.
        """
        logs = self._logs()
        problems = [f"{entry['level']}: {entry['message']}" for entry in logs["browser"]]
        for entry in logs["performance"]:
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith(("file:", "data:", "blob:", "about:", "chrome:")):
                    problems.append(f"network request: {url}")
            elif message["method"] == "Network.loadingFailed":
                problems.append(f"not loaded: {message['params']['errorText']}")
        return problems

    def accessibility_problems(self) -> list[str]:
        """Return what axe-core finds: rule, number of elements, and the first of them."""
        package = pytest.importorskip("axe_selenium_python", reason="axe is not installed")
        folder = Path(package.__file__).parent
        self.script((folder / "node_modules" / "axe-core" / "axe.min.js").read_text())
        return self.driver.execute_async_script(
            """const done = arguments[arguments.length - 1];
            axe.run().then(result => done(result.violations.map(each =>
              `${each.id}: ${each.nodes.length}, ${each.nodes[0].html.slice(0, 150)}`)));"""
        )

    def broken_pictures(self) -> list[str]:
        """Load all pictures, lazy ones too; return the sources of those that failed."""
        return self.script(
            """const pictures = [...document.images];
            pictures.forEach(picture => { picture.loading = "eager"; });
            return Promise.allSettled(pictures.map(picture => picture.decode())).then(
              () => pictures.filter(picture => !picture.naturalWidth)
                            .map(picture => picture.src.slice(0, 100)));"""
        )

    def screenshot(self, path: Path, *, full_page: bool = True) -> None:
        """Write a PNG of the full page, or of the window."""
        settings = {"format": "png", "captureBeyondViewport": full_page}
        if full_page:
            size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
            settings["clip"] = {**size, "scale": 1}
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", settings)["data"]
        path.write_bytes(base64.b64decode(data))

    def _logs(self) -> dict[str, list[dict[str, Any]]]:
        return {kind: self.driver.get_log(kind) for kind in ("browser", "performance")}


@contextmanager
def headless_chromium(profile: Path) -> Iterator[Page]:
    """Give a browser with an empty profile; skip the test if no browser is installed.

    Args:
        profile: an empty folder.
    """
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    chromedriver = shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("Chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # With a path given, selenium does not search the network for a driver.
    service = webdriver.ChromeService(executable_path=chromedriver)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield Page(driver)
    finally:
        driver.quit()
