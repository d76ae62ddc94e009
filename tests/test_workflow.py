"""Every command of the workflow composes; ``make workflow`` runs them."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from roilab.entry_point import config_dir

WORKFLOW = Path(__file__).parents[1] / "workflow"
CONFIGS = sorted(WORKFLOW.glob("*.yaml"))


def composes(verb: str, overrides: list[str]) -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        key = "output_dir" if verb in ("simulate", "prepare") else "run_dir"
        config = compose(verb, [*overrides, f"{key}=out"])
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_command_of_a_workflow_composes(path: Path) -> None:
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    for sample in (config["cosmic"], *config["samples"].values()):
        composes("simulate", sample)
    composes("prepare", [*config["frames"], "data.dir=frames"])
    for values in product(*config["grid"].values()):
        point = [f"{key}={value}" for key, value in zip(config["grid"], values, strict=True)]
        composes("train", [*config["images"], *config["train"], *point, "data.dir=images"])
    composes("evaluate", ["sample=[tracks,showers]", "network=run"])
    composes("export", [*config["export"], "network=run"])


def test_there_are_workflows() -> None:
    assert {path.stem for path in CONFIGS} >= {"demo", "pdhd"}
