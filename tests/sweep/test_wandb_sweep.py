"""The keys in the documented W&B sweep exist."""

from pathlib import Path

import yaml
from hydra import compose, initialize_config_dir

from roilab.entry_point import config_dir


def test_parameters_compose() -> None:
    path = Path(__file__).parents[2] / "docs" / "wandb_sweep.yaml"
    sweep = yaml.safe_load(path.read_text())
    overrides = [
        f"{key}={value}"
        for key, choices in sweep["parameters"].items()
        for value in choices.get("values") or [choices["min"], choices["max"]]
    ]
    assert overrides
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        for override in overrides:
            compose("train", ["run_dir=out", override])
