"""The keys in the documented W&B sweep exist."""

from pathlib import Path

import yaml

from composing import composed


def test_parameters_compose() -> None:
    path = Path(__file__).parents[2] / "docs" / "wandb_sweep.yaml"
    sweep = yaml.safe_load(path.read_text())
    overrides = [
        f"{key}={value}"
        for key, choices in sweep["parameters"].items()
        for value in choices.get("values") or [choices["min"], choices["max"]]
    ]
    assert overrides
    for override in overrides:
        composed("train", ["run_dir=out", override])
