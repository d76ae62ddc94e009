"""What is said about values that are missing, of another type, out of range, or no path."""

from pathlib import Path
from typing import Any

import pytest

from composing import composed
from roilab.config import ConfigError, check_config, read_part
from roilab.config.combined_kinds import Either, ListOf, Null, Range
from roilab.config.kinds import Choice, Kind, Number, Text, UnfitError, Whole


def told(command: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        check_config(composed(command, [*overrides, "run_dir=out"]), command)
    return str(caught.value)


TRAIN = [
    ("data=pdhd", "data.dir is not given: expected the folder of the frame files; add data.dir=F"),
    ("data.rebin=ten", "data.rebin=ten: expected a whole number of at least 1."),
    ("data.rebin=2.5", "data.rebin=2.5: expected a whole number"),
    ("trainer.max_epochs=abc", "trainer.max_epochs=abc: expected a whole number of at least -1"),
    ("data.val_fraction=90", "above 0 and below 1. For 90 % write data.val_fraction=0.9."),
    ("data.threshold=null", "data.threshold=null: expected a number of at least 0."),
    ("data.layers=[]", "data.layers=[]: expected a list of at least 1 value."),
    ("data.layers=loose_lf", "expected a list. Write data.layers=[loose_lf]."),
    ("data.batch_size=0", "data.batch_size=0: expected a whole number of at least 1."),
    ("data.num_workers=-1", "data.num_workers=-1: expected a whole number of at least 0."),
    ("data.planes=[V,X]", "data.planes=[V,X]: X in the list: expected one of U, V, W."),
    ("data.stack=yes", "data.stack=yes: expected true or false."),
    ("data.channel_range=[5,5]", "expected [first, last + 1], two whole numbers"),
    ("data.input_scale=1/0", "data.input_scale=1/0: expected a number above 0."),
    ("data.cache.max_gb=-1", "data.cache.max_gb=-1: expected a number above 0."),
    ("data.simulation.generator.shortest_mm=x", "generator.shortest_mm=x: expected a number of"),
    ("trainer.precision=bf16mixed", "Did you mean bf16-mixed?"),
    ("trainer.accelerator=GPUS", "Did you mean gpu?"),
    ("trainer.limit_val_batches=1.5", "trainer.limit_val_batches=1.5: expected a number of at"),
    ("callbacks.best.monitor=val/dise", "Did you mean val/dice?"),
    ("optimizer.lr=fast", "optimizer.lr=fast: expected a number above 0."),
    ("model.mask_thresh=50", "For 50 % write model.mask_thresh=0.5."),
    (
        "model.weights=none.pt",
        "model.weights=none.pt: expected a file or folder that exists, or null.",
    ),
    ("resume=none.ckpt", "resume=none.ckpt: expected auto, or a file that exists, or null."),
    ("seed=-1", "seed=-1: expected a whole number of at least 0"),
    ("scheduler=cosine trainer.max_epochs=0", "T_max=0: expected a whole number of at least 1."),
    ("trainer.max_epochs='${none}'", "trainer.max_epochs: cannot be resolved"),
]


@pytest.mark.parametrize(("overrides", "text"), TRAIN, ids=[case[0] for case in TRAIN])
def test_mistakes_of_a_training(overrides: str, text: str) -> None:
    assert text in told("train", *overrides.split())


OTHERS = [
    ("evaluate", "sample=.", "network=none.ckpt", "network=none.ckpt: expected a file or folder"),
    ("evaluate", "scan=[0.5]", "device=cpu", "sample is not given: expected the folder of frames"),
    ("evaluate", "sample=nowhere", "scan=[2]", "2 mistakes in the settings:\n  sample=nowhere"),
    ("evaluate", "sample=.", "network_spec.mask_thresh=chose", "Did you mean choose?"),
    ("export", "network=none.ckpt", "export.format=onix", "Did you mean onnx?"),
    ("display", "rec=none.h5", "display.pool=mx", "Did you mean max?"),
    ("benchmark", "repeats=0", "device=gpu", "device=gpu: expected one of cpu, cuda."),
    ("benchmark", "rebin=4", "seed=1", "Write rebin=[4]."),
    ("simulate", "output_dir=o", "simulation.tags=[gaus]", "Did you mean gauss?"),
    ("simulate", "output_dir=o", "processes=0", "processes=0: expected a whole number of"),
]


@pytest.mark.parametrize(("command", "one", "other", "text"), OTHERS)
def test_mistakes_of_other_commands(command: str, one: str, other: str, text: str) -> None:
    given = [] if command == "simulate" else ["run_dir=out"]
    config = composed(command, [one, other, *given])
    with pytest.raises(ConfigError) as caught:
        check_config(config, command)
    assert text in str(caught.value)


def test_all_mistakes_are_listed_together() -> None:
    lines = told("train", "data.rebin=ten", "data.layers=[]", "trainer.devices=x").splitlines()
    assert lines[0] == "3 mistakes in the settings:"
    # Not model.net.n_layers=0, which follows from data.layers.
    assert [line.split("=")[0].strip() for line in lines[1:]] == [
        *("data.layers", "data.rebin", "trainer.devices"),
    ]


def test_a_similar_path_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    text = told("train", "data=pdhd", f"data.dir={tmp_path}/frame")
    assert f"There is no frame in {tmp_path}. Did you mean frames?" in text
    (tmp_path / "file").touch()
    assert "This is a file." in told("train", "data=pdhd", f"data.dir={tmp_path}/file")


def test_a_fraction_is_a_number() -> None:
    config = composed("train", ["data.input_scale=1/4000", "data.rebin=10.0", "run_dir=out"])
    check_config(config, "train")
    assert config.data.input_scale == 0.00025
    assert (config.data.rebin, type(config.data.rebin)) == (10, int)
    config = composed("evaluate", ["sample=.", "network_spec.input_scale=1/4000", "run_dir=out"])
    check_config(config, "evaluate")
    assert config.network_spec.input_scale == 0.00025


def test_arguments_of_a_class_of_the_user_pass() -> None:
    own = ["~loss", "+loss._target_=mine.Loss", "+loss.alpha=[0.1,0.9]", "+loss.gamma=much"]
    check_config(composed("train", [*own, "run_dir=out"]), "train")
    check_config(composed("train", ["+data.mine=3", "+trainer.mine=x", "run_dir=out"]), "train")


def test_the_same_table_checks_a_constructor() -> None:
    settings = {"precision": "float32", "max_memory_mb": "1/2", "format": "onnx"}
    target = "roilab.export.settings.ExportSettings"
    assert read_part(target, settings, "export")["max_memory_mb"] == 0.5
    assert settings["max_memory_mb"] == "1/2"
    with pytest.raises(ConfigError, match=r"export\.format=onix: expected one of"):
        read_part(target, {**settings, "format": "onix"}, "export")


READ: list[tuple[Kind, Any, Any]] = [
    (Number(low=0), " 3 / 4 ", 0.75),
    (Number(), "-1e-3/2", -0.0005),
    (Whole(), 3.0, 3),
    (Null(Whole()), None, None),
    (Either(Number(low=0, high=1), Whole(low=1)), 1.0, 1.0),
    (ListOf(kind=Whole()), (1, 2.0), [1, 2]),
    (Range(), (0, 5), [0, 5]),
    (Choice("32", "16"), 32, 32),
    (Text(r"\d+"), 12, "12"),
]


def _name(value: Any) -> str:
    """Return the same name in every process: the text of an object holds its address."""
    return type(value).__name__ if isinstance(value, Kind) else str(value)


@pytest.mark.parametrize(("kind", "value", "expected"), READ, ids=_name)
def test_kinds_convert(kind: Kind, value: Any, expected: Any) -> None:
    result = kind.read(value, paths=True)
    assert (result, type(result)) == (expected, type(expected))


UNFIT: list[tuple[Kind, Any]] = [
    *[(Number(above=0), value) for value in (0, True, "x", None, [1], float("nan"), float("inf"))],
    *[(Whole(high=2), value) for value in (3, 1.5, "1/3")],
    *[(Text(), value) for value in ("", None, True, ["a"])],
    *[(ListOf(kind=Whole(), least=2, most=2), value) for value in ([1], [1, 2, 3], {"a": 1}, 1)],
    *[(Range(), value) for value in ([1], [2, 1], [-1, 1], "1,2")],
    (Choice("a"), None),
]


@pytest.mark.parametrize(("kind", "value"), UNFIT, ids=_name)
def test_kinds_refuse(kind: Kind, value: Any) -> None:
    with pytest.raises(UnfitError):
        kind.read(value, paths=True)
