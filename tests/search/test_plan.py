"""The parts of a search: space, objectives, experiment file."""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from roilab.entry_point import config_dir
from roilab.plots import Trials, search_figure
from roilab.search.errors import SearchError
from roilab.search.experiment import write_experiment
from roilab.search.objectives import read_objectives
from roilab.search.plan import Plan, incomparable
from roilab.search.space import Choices, Interval, override_text, read_space
from roilab.sweep.status import Status
from roilab.train.results import Results


@pytest.fixture
def hydra() -> Iterator[None]:
    """Initialize Hydra on ``conf/``."""
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        yield


VALUES: list[Any] = [
    *(None, True, 3, 1e-05, 0.1234567890123456, "bce", "a b", "it's", "true", "", "x,y", "1e3"),
    *([4, 8.5, "a"], {"_target_": "a.B", "n": [1, None]}, "/data/x-1.h5"),
]


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_hydra_reads_the_text_of_a_value(value: Any) -> None:
    parsed = OverridesParser.create().parse_override(f"key={override_text(value)}")
    assert not parsed.is_sweep_override()
    config = OmegaConf.create({"key": 0})
    OmegaConf.update(config, "key", parsed.value())
    assert OmegaConf.to_container(config) == {"key": value}


def test_space() -> None:
    space = {
        "a": {"low": 1, "high": 4},
        "b": {"low": 0.001, "high": 1, "log": True},
        "c": [[1, 2], None, "x"],
    }
    one, other, choices = read_space(space)
    assert isinstance(one, Interval)
    assert isinstance(other, Interval)
    assert (one.whole, other.whole) == (True, False)
    assert choices == Choices("c", ("[1,2]", "null", "x"))
    assert other.examples() == ["0.001", "1"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([1, 1], "at least two different values"),
        ({"low": 1}, "at least two different values or an interval"),
        ({"low": "a", "high": 2}, "low, high and step to be numbers"),
        ({"low": 0, "high": 2, "log": True}, "low above 0 and no step where log is true"),
        ({"low": 0, "high": 2, "step": 0}, "a step above 0"),
    ],
)
def test_mistakes_in_the_space(values: Any, words: str) -> None:
    with pytest.raises(SearchError, match=words):
        read_space({"key": values})


def finished(**metrics: float) -> Status:
    results = Results({f"val/{k}": v for k, v in metrics.items()}, None, None, 3, 2, 1000, {})
    return Status(0, {}, [], results=results, seconds=7.5)


def test_objectives_of_a_run(tmp_path: Path) -> None:
    cells = [("dnn", 0, -0.1), ("dnn", 80, 0.5), ("gauss", 80, 9.0)]
    (tmp_path / "physics").mkdir()
    with (tmp_path / "physics" / "best.csv").open("w") as file:
        writer = csv.DictWriter(file, ["method", "theta_xz", "bias", "inefficiency"])
        writer.writeheader()
        for method, angle, value in cells:
            row = {"method": method, "theta_xz": float(angle), "bias": value}
            writer.writerow({**row, "inefficiency": "" if angle == 80 else value})
    names = ["val/dice", "physics/bias", "physics/bias@80", "physics/inefficiency", "time/train"]
    objectives = read_objectives([*names, "parameters"])
    assert [one.maximize for one in objectives] == [True, *[False] * 5]
    values = [one.value(finished(dice=0.8), tmp_path) for one in objectives]
    assert values[:3] == [0.8, pytest.approx(0.3), 0.5]
    assert math.isnan(values[3])  # no value at one of the angles
    assert values[4:] == [7.5, 1000]


def test_own_metric() -> None:
    (mine,) = read_objectives(["my/score:max"])
    assert (mine.name, mine.maximize) == ("my/score", True)
    with pytest.raises(SearchError, match="no trial has my/score; expected one of parameters"):
        mine.value(finished(dice=1), Path())
    with pytest.raises(SearchError, match="with its direction, as my/score:max"):
        read_objectives(["my/score"])
    with pytest.raises(SearchError, match="one or more different metrics"):
        read_objectives(["val/dice", "val/dice"])


@pytest.mark.parametrize(
    ("key", "metric", "words"),
    [
        ("data.pad", "val/dice", "data.pad changes the truth mask"),
        ("loss.gamma", "val/loss", "loss.gamma changes what it is"),
        ("data.pad", "physics/bias", None),
        ("loss", "val/dice", None),
    ],
)
def test_metrics_that_cannot_be_compared(key: str, metric: str, words: str | None) -> None:
    space, objectives = read_space({key: [1, 2]}), read_objectives([metric])
    texts = list(incomparable(Plan(Path(), (), space, objectives, None, {}, {}, 0, 1)))
    assert len(texts) == (words is not None)
    assert words is None or words in texts[0]


def test_an_experiment_file_composes_as_its_overrides(hydra: None, tmp_path: Path) -> None:
    """Groups, an experiment, values that are null, lists, text, and keys that are added."""
    overrides = [
        *("experiment=pdhd_cosmic", "data.dir=some where", "model=uresnet", "loss=dice_bce"),
        *("data.rebin=5", "callbacks.export=null", "data.val_files=[a.h5,b.h5]", "run_dir=out"),
        *("+trainer.max_time='00:01'", "optimizer.lr=0.0123456789012345", "optimizer.lr=1e-05"),
    ]
    overrides[1] = "data.dir='some where'"
    write_experiment(tmp_path, "best", "one\ntwo", overrides, None)
    text = (tmp_path / "experiment" / "best.yaml").read_text()
    assert text.startswith("# @package _global_\n# one\n# two\n")
    assert yaml.safe_load(text)["defaults"][0] == "pdhd_cosmic"
    expected = compose("train", overrides)
    found = compose("train", [f"hydra.searchpath=['file://{tmp_path}']", "experiment=best"])
    assert OmegaConf.to_container(found) == OmegaConf.to_container(expected)


def test_figure_of_two_objectives() -> None:
    values = {"val/dice": [0.5, 0.7, 0.6], "time/inference": [3.0, 2.0, 1.0]}
    maximize = {"val/dice": True, "time/inference": False}
    figure = search_figure(Trials([0, 1, 3], values, maximize, [1, 3], [2]), {"a": 0.8, "b": 0.2})
    dice, seconds, front, importances = figure.axes
    assert list(dice.lines[1].get_ydata()) == [0.5, 0.7, 0.7]
    assert list(seconds.lines[1].get_ydata()) == [3, 2, 1]
    assert (list(front.lines[1].get_xdata()), list(front.lines[1].get_ydata())) == (
        [0.6, 0.7],
        [1, 2],
    )
    assert [one.get_text() for one in front.texts] == ["1", "3"]
    assert [bar.get_width() for bar in importances.patches] == [0.2, 0.8]


def test_keys_that_are_removed_are_named(hydra: None, tmp_path: Path) -> None:
    write_experiment(tmp_path, "best", "one", ["~callbacks.export", "seed=2"], None)
    text = (tmp_path / "experiment" / "best.yaml").read_text()
    assert "# Add to the command: ~callbacks.export" in text
