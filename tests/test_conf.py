"""Every file in conf/ composes, alone and as part of a command, and can be instantiated."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from roilab.detectors import Readout
from roilab.entry_point import config_dir
from roilab.frames import CONTAINERS
from roilab.simulate.chain import Simulation

FILES = sorted(path.relative_to(config_dir()) for path in config_dir().rglob("*.yaml"))
# Pieces that other files are built on; they are composed with them.
PIECES = {"base", "ionisation", "cascade", "scattered"}
GROUPS = [
    path for path in FILES if len(path.parts) > 1 and path.parts[0] != "hydra"
    and path.stem not in PIECES
]  # fmt: skip
STUDIES = [path for path in GROUPS if path.parts[0] == "study"]
NOT_IN_TRAIN = ("simulation", "study", "command", "network_spec", "search")
TRAIN = [path for path in GROUPS if path.parts[0] not in NOT_IN_TRAIN]
SAMPLES = [path for path in GROUPS if path.parts[0] == "simulation" and len(path.parts) == 2]
PARTS = [path for path in GROUPS if path.parts[0] == "simulation" and len(path.parts) == 3]
# Shared pieces of the root configs, composed with every command.
SEARCHES = [path for path in GROUPS if path.parts[0] == "search"]
SHARED = [path for path in GROUPS if path.parts[0] in ("command", "network_spec")]
GIVEN = ["data.dir=somewhere", "run_dir=out"]


def composed(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", [*GIVEN, *overrides])
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return config


def simulation(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("simulate", list(overrides)).simulation


def test_no_file_is_left_out() -> None:
    roots = [path for path in FILES if len(path.parts) == 1]
    pieces = [path for path in FILES if path.stem in PIECES]
    hydra = [path for path in FILES if path.parts[0] == "hydra"]
    groups = [*TRAIN, *STUDIES, *SAMPLES, *PARTS, *SEARCHES, *SHARED]
    assert sorted([*roots, *pieces, *hydra, *groups]) == FILES
    verbs = (
        "benchmark",
        "convert",
        "display",
        "evaluate",
        "export",
        "predict",
        "prepare",
        "robustness",
        "search",
        "simulate",
        "train",
    )
    assert roots == [Path(f"{verb}.yaml") for verb in verbs]


@pytest.mark.parametrize("file", SAMPLES, ids=str)
def test_samples_make_a_simulation(file: Path) -> None:
    config = OmegaConf.to_container(simulation(f"simulation={file.stem}"), resolve=True)
    assert isinstance(config, dict)
    Simulation.from_config(config)  # type: ignore[arg-type]


@pytest.mark.parametrize("file", PARTS, ids=str)
def test_parts_of_a_simulation(file: Path) -> None:
    part = file.parent.name
    config = simulation("simulation=cosmic", f"simulation/{part}={file.stem}")
    instantiate(config[part], _convert_="all")


@pytest.mark.parametrize("file", TRAIN, ids=str)
def test_composes_and_instantiates(file: Path) -> None:
    group, name = file.parent.name, file.stem
    config = composed(f"{group}={name}")
    if group in ("experiment", "debug", "scheduler"):
        return
    node = config[group]
    if group in ("callbacks", "logger"):
        for part in (node or {}).values():
            # A W&B run is not started here; that its target and arguments exist is.
            instantiate(part, _partial_=True)
    elif group == "trainer":
        instantiate(node, _partial_=True)
    elif group == "model":
        instantiate(node.net)
        assert node.name
    else:
        instantiate(node)


@pytest.mark.parametrize("name", ["pdhd", "simulated"])
def test_evaluation_composes(name: str) -> None:
    given = [*GIVEN, f"data={name}", "sample=somewhere"]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("evaluate", given)
        alone = compose("evaluate", given[2:3])
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    assert plain["physics"]["charge"]["min_truth"] == 5000
    assert "cache" in plain["data"]
    assert "data" in alone


@pytest.mark.parametrize("file", STUDIES, ids=str)
def test_studies_compose_and_instantiate(file: Path) -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("benchmark", [f"study={file.stem}", "run_dir=out"])
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    assert callable(instantiate(config.study))
    variants = instantiate(config.variants, _convert_="all")
    assert set(plain["variant"]) <= set(variants)
    assert set(plain["nchunks_of"]) <= set(variants)
    Simulation.from_config(plain["simulation"])


# Command, overrides, and the detector that all parts of the config share.
DETECTORS = [
    ("train", [], "small"),
    ("train", ["data=pdhd"], "ProtoDUNE-HD"),
    ("train", ["data=pdhd", "detector=small"], "small"),
    ("train", ["data=base", "detector=pdhd"], "ProtoDUNE-HD"),
    ("train", ["detector=pdhd"], "ProtoDUNE-HD"),
    ("train", ["experiment=demo"], "small"),
    ("train", ["experiment=pdhd_cosmic"], "ProtoDUNE-HD"),
    ("evaluate", ["sample=s", "data=pdhd"], "ProtoDUNE-HD"),
    ("evaluate", ["sample=s", "data=simulated"], "small"),
    ("display", ["rec=r", "data=small"], "small"),
    ("benchmark", [], "ProtoDUNE-HD"),
    ("benchmark", ["data=simulated"], "small"),
    ("prepare", [], "small"),
    ("prepare", ["data=pdhd"], "ProtoDUNE-HD"),
    ("train", ["data=prepared"], "ProtoDUNE-HD"),
    ("train", ["data=prepared", "detector=small"], "small"),
    ("simulate", [], "small"),
    ("simulate", ["simulation=prolonged"], "ProtoDUNE-HD"),
    ("simulate", ["simulation=cosmic", "detector=small"], "small"),
]


@pytest.mark.parametrize(("verb", "overrides", "name"), DETECTORS, ids=str)
def test_one_detector_in_all_parts(verb: str, overrides: list[str], name: str) -> None:
    here = ["output_dir=out"]
    given = {"simulate": here, "prepare": here, "train": GIVEN}.get(verb, ["run_dir=out"])
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose(verb, [*given, *overrides])
    plain = OmegaConf.to_container(config, resolve=True)
    assert isinstance(plain, dict)
    assert plain["detector"]["name"] == name
    data = plain.get("data", {})
    parts = [data, plain.get("simulation"), data.get("simulation")]
    parts += (data.get("simulated_samples") or {}).values()
    detectors = [part["detector"] for part in parts if part]
    assert detectors
    assert all(detector == plain["detector"] for detector in detectors)


def test_display_composes() -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("display", [*GIVEN, "data=pdhd", "rec=some.h5"])
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    settings = instantiate(config.display)
    assert (settings.chain[0], settings.html_mb) == ("orig", 8)


def test_predict_composes_and_instantiates() -> None:
    given = ["network=n.ckpt", "frames=f.h5", "detector=pdhd"]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("predict", given)
        alone = compose("predict", given[:2])
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(plain, dict)
    assert Readout.from_config(plain).ranges["V"] == (800, 1600)
    assert "detector" not in alone  # that of the network is taken
    assert instantiate(config.physics).roi_frames.charge == "dnnsp"
    assert plain["container"] in CONTAINERS


@pytest.mark.parametrize("file", SEARCHES, ids=str)
def test_searches_compose_and_instantiate(file: Path) -> None:
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("search", [f"search={file.stem}", "output_dir=out"])
    OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    for part in (config.search.sampler, config.search.pruner):
        instantiate(part)


@pytest.mark.parametrize("name", ["none", "cosine", "plateau"])
def test_schedulers(name: str) -> None:
    assert set(composed(f"scheduler={name}").scheduler) >= {"factory"}


def test_layers_are_typed_once() -> None:
    config = composed("data.layers=[loose_lf,gauss]")
    assert config.model.net.n_layers == 2


def test_reference_recipe() -> None:
    config = composed("experiment=seed_report", "data=pdhd")
    sgd = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
    assert {key: config.optimizer[key] for key in sgd} == sgd
    assert config.loss._target_ == "torch.nn.BCEWithLogitsLoss"
    assert (config.trainer.max_epochs, config.data.val_fraction) == (50, 0.1)
    assert (config.data.threshold, config.data.input_scale) == (100, 1 / 4000)


def test_cosmic_experiment() -> None:
    data = composed("experiment=pdhd_cosmic").data
    assert Readout.from_config(data).ranges[data.planes[0]] == (800, 1600)
    assert data.train_files == ["g4-rec-0.h5", "g4-rec-1.h5"]
    assert data.val_files == ["g4-rec-2.h5"]
