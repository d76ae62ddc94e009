"""``roilab robustness``: changes of the metrics where the simulated detector is varied."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roilab.robustness.__main__ import main
from roilab.robustness.changes import changes, steadier

Run = Callable[..., None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    def run_main(*arguments: str) -> None:
        command = ["roilab robustness", "detector=small", f"output_dir={tmp_path / 'out'}"]
        command += ["simulation.generator.theta_xz_deg=[0,60]", "simulation.events=2"]
        command += ["simulation.generator.length_mm=300", "simulation.generator.margin_mm=20"]
        monkeypatch.setattr("sys.argv", [*command, *arguments])
        main()

    return run_main


def row(name: str, angle: float, bias: float, inefficiency: float) -> dict[str, Any]:
    place = {"plane": "V", "theta_xz": angle, "energy": None}
    return {"name": name, **place, "bias": bias, "inefficiency": inefficiency}


def test_changes_by_hand() -> None:
    nan = math.nan
    tables = {
        "nominal": [row("net", 0, 1, 0), row("net", 60, -2, 1), row("gauss", 0, -4, 0),
                    row("gauss", 60, -5, 2)],
        "noise": [row("net", 0, 2, 0), row("net", 60, -5, 4), row("gauss", 0, -4, 10),
                  row("gauss", 60, nan, 100)],
    }  # fmt: skip
    net, gauss = changes(tables)
    assert net == {
        "name": "net", "variation": "noise",
        "charge_shift": pytest.approx(100 * (1 / 101 + 3 / 98) / 2),
        "inefficiency_rise": (0 + 3) / 2, "angles": 2,
    }  # fmt: skip
    assert (gauss["charge_shift"], gauss["inefficiency_rise"], gauss["angles"]) == (0, 54, 1)


@pytest.mark.parametrize(
    ("own", "classical", "less"),
    [
        ((1, 0), (2, 0), True),
        ((2, 0), (2, 1), True),
        ((2, 0), (2, 0), False),
        ((1, 2), (2, 1), False),
        ((1, 0), (math.nan, 100), True),
        ((math.nan, 0), (3, 1), False),
    ],
)
def test_steadier(own: tuple[float, float], classical: tuple[float, float], less: bool) -> None:
    rows = [
        {"name": name, "variation": "noise", "charge_shift": bias, "inefficiency_rise": rise}
        for name, (bias, rise) in (("net", own), ("gauss", classical))
    ]
    assert steadier(rows, "net") == ((["noise"], []) if less else ([], ["noise"]))


def test_gain_shifts_the_bias(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("network=small", "only=[gain_low]")
    with (tmp_path / "out" / "changes.csv").open() as file:
        table = {line["name"]: line for line in csv.DictReader(file)}
    # A tenth of the charge is absent from both: the signal processing does not know it.
    for name in ("small", "gauss"):
        assert float(table[name]["charge_shift"]) == pytest.approx(10, abs=2)
        assert float(table[name]["inefficiency_rise"]) == pytest.approx(0, abs=5)
    content = json.loads((tmp_path / "out" / "robustness.json").read_text())
    metrics = content["metrics"]
    assert [(m["variation"], m["name"], m["theta_xz"]) for m in metrics] == [
        (variation, name, angle)
        for variation in ("nominal", "gain_low")
        for name in ("gauss", "small")
        for angle in (0, 60)
    ]
    assert (tmp_path / "out" / "robustness.png").stat().st_size > 1000
    assert "small changes less than gauss under" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["network=small", "only=[noise]"], "only=noise: is no variation; expected some of noise_"),
        (["network=[small,small]"], "expected one or more different names"),
        (["network=[]"], "expected one or more different names"),
        (["network=absent"], "Reference networks: pdhd, pdhd-fast, small"),
    ],
)
def test_mistakes(
    run: Run, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(*arguments)
    assert message in capsys.readouterr().err
