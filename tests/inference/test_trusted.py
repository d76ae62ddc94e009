"""Checkpoints of a stranger: nothing that they name is called, in no command."""

import copy
import importlib
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from known_network import fails
from roilab.data import RoiDataModule
from roilab.entry_point import config_dir
from roilab.evaluate.working_point import validation_events
from roilab.inference import (
    CheckpointError,
    MetadataError,
    NetworkSpec,
    TrainedNetwork,
    UntrustedError,
    load_network,
    open_network,
)
from roilab.inference.trusted import DATA, NETWORKS

WIDTHS = {"encoder_widths": [4, 8, 8, 8, 8], "decoder_widths": [8, 8, 4, 4]}
TOUCH = "__import__('pathlib').Path({!r}).touch()"
VERBS = {
    "export": ["output_dir={tmp}/out"],
    "evaluate": ["sample={tmp}", "output_dir={tmp}/out"],
    "display": ["rec={tmp}/rec.h5", "output_dir={tmp}/out"],
    "benchmark": ["rebin=[10]", "nchunks=[1]", "output_dir={tmp}/out"],
}


@pytest.fixture(scope="module")
def checkpoint() -> dict[str, Any]:
    """A checkpoint of a small UNet with random weights, as plain containers."""
    overrides = ["model=unet", "data=pdhd", "data.dir=d", "run_dir=o"]
    overrides += [f"model.net.{name}={value}" for name, value in WIDTHS.items()]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", overrides)
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    state = TrainedNetwork(recipe).state_dict()
    return {"roilab_recipe": recipe, "roilab_version": "0.1.0", "state_dict": state, "epoch": 0}


def write(path: Path, checkpoint: dict[str, Any], **parts: Any) -> Path:
    """Write the checkpoint with parts of its recipe replaced, named with __ for a dot."""
    recipe = copy.deepcopy(checkpoint["roilab_recipe"])
    for name, part in parts.items():
        *parents, last = name.split("__")
        inner = recipe
        for parent in parents:
            inner = inner[parent]
        inner[last] = part
    torch.save({**checkpoint, "roilab_recipe": recipe}, path)
    return path


# Parts that write a file, the canary, if Hydra builds them.
RUNNING: dict[str, Callable[[Path], dict[str, Any]]] = {
    "sympy": lambda canary: {
        "_target_": "sympy.sympify", "a": TOUCH.format(str(canary)),
    },
    "numpy": lambda canary: {"_target_": "numpy.savetxt", "fname": str(canary), "X": [1]},
    "positional": lambda canary: {"_target_": "numpy.savetxt", "_args_": [str(canary), [1]]},
    "torch hub": lambda canary: {
        "_target_": "torch.hub.load", "repo_or_dir": str(canary.parent), "model": "touch",
        "source": "local", "canary": str(canary),
    },
    "pickle": lambda canary: {
        "_target_": "torch.load", "f": str(canary.parent / "code.pickle"), "weights_only": False,
    },
    "walk to the standard library": lambda canary: {
        "_target_": "roilab.inference.metadata.Path.touch", "_args_": [
            {"_target_": "pathlib.Path", "_args_": [str(canary)]},
        ],
    },
    "function of roilab": lambda canary: {
        "_target_": "roilab.atomic_write.write_json", "content": 1,
        "path": {"_target_": "pathlib.Path", "_args_": [str(canary)]},
    },
    "nested in an argument": lambda canary: {
        "_target_": "roilab.models.UNet", "n_layers": 3, "align_corners": True,
        "encoder_widths": WIDTHS["encoder_widths"],
        "decoder_widths": {"_target_": "numpy.savetxt", "fname": str(canary), "X": [1]},
    },
    "nested in a list": lambda canary: {
        "_target_": "roilab.models.UNet", "n_layers": 3, "align_corners": True,
        "encoder_widths": [{"_target_": "numpy.savetxt", "fname": str(canary), "X": [1]}],
        "decoder_widths": [4],
    },
    "file of timm": lambda canary: {
        "_target_": "roilab.models.TimmUNet", "n_layers": 3, "encoder": "resnet18",
        "encoder_weights": None, "pretrained": False, "decoder_widths": [8], "full_width": 8,
        "align_corners": False, "encoder_options": {
            "drop_rate": {"_target_": "numpy.savetxt", "fname": str(canary), "X": [1]},
        },
    },
    "simulation": lambda canary: {
        "_target_": "roilab.simulate.make_sample", "output_dir": {
            "_target_": "numpy.savetxt", "fname": str(canary), "X": [1],
        }, "config": {}, "processes": 1,
    },
}  # fmt: skip
UNET = {"_target_": "roilab.models.UNet", "n_layers": 3, "align_corners": True, **WIDTHS}
TIMM = {
    "_target_": "roilab.models.TimmUNet", "n_layers": 3, "encoder": "resnet18",
    "encoder_weights": None, "pretrained": False, "encoder_options": {}, "full_width": 8,
    "decoder_widths": [8, 8, 8, 8, 8], "align_corners": False,
}  # fmt: skip
ENDLESS: dict[str, Any] = {"_target_": "roilab.models.UNet"}
ENDLESS["encoder_widths"] = ENDLESS
BOMB: list[Any] = [1]
for _ in range(15):
    BOMB = [BOMB] * 10
# Parts that would open a file or an address, or show the reader's environment.
REFUSED: dict[str, dict[str, Any]] = {
    "environment": {**TIMM, "encoder": "${oc.env:HOME}"},
    "resolver": {**UNET, "encoder_widths": "${oc.decode:'[1]'}"},
    "hub": {**TIMM, "encoder": "hf-hub:stranger/model"},
    "folder": {**TIMM, "encoder": "local-dir:/tmp"},
    "checkpoint of timm": {**TIMM, "encoder_options": {"checkpoint_path": "evil.pth"}},
    "weights of timm": {**TIMM, "encoder_options": {"pretrained_cfg": {"file": "evil.pth"}}},
    "path": {**UNET, "encoder_widths": "/etc/passwd"},
    "partial": {**UNET, "_partial_": True},
    "target is a list": {**UNET, "_target_": ["os.system"]},
    "tensor": {**UNET, "align_corners": torch.ones(3)},
    "flag": {**UNET, "_recursive_": torch.ones(3)},
    "key": {**UNET, 1: 2},
    "data in place of a network": {"_target_": "roilab.data.RoiDataModule"},
    "endless": ENDLESS,
    "bomb": {**UNET, "encoder_widths": BOMB},
}


class Evil:
    """Evaluates a text when it is unpickled."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        return eval, (self.code,)


def lay_traps(folder: Path) -> Path:
    """Write the files that parts in ``RUNNING`` need; return the path that those write to."""
    path = folder / "canary"
    (folder / "hubconf.py").write_text(
        "import pathlib\ndef touch(canary): pathlib.Path(canary).touch()\n"
    )
    (folder / "code.pickle").write_bytes(pickle.dumps(Evil(TOUCH.format(str(path)))))
    return path


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Path that exists as soon as a part in ``RUNNING`` has run."""
    return lay_traps(tmp_path)


def run(verb: str, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [text.format(tmp=tmp_path) for text in VERBS[verb]]
    (tmp_path / "rec.h5").touch()  # must exist; the network is read first
    monkeypatch.setattr(sys, "argv", [f"roilab.{verb}", f"network={path}", *arguments])
    importlib.import_module(f"roilab.{verb}.__main__").main()


@pytest.mark.parametrize("number", range(len(RUNNING)), ids=list(RUNNING))
def test_a_network_that_runs_code(
    number: int,
    checkpoint: dict[str, Any],
    canary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    part = list(RUNNING.values())[number](canary)
    path = write(tmp_path / "evil.ckpt", checkpoint, model__net=part)
    with pytest.raises(UntrustedError):
        load_network(path)
    verb = list(VERBS)[number % len(VERBS)]  # each command meets every fourth
    err = fails(lambda: run(verb, path, tmp_path, monkeypatch), capsys)
    assert "evil.ckpt: " in err
    assert not canary.exists()
    # The file is a danger indeed: Hydra alone runs it.
    with pytest.MonkeyPatch.context() as quiet:
        quiet.setattr("builtins.input", lambda _: "y")
        with suppress(Exception):  # what comes after the writing does not matter
            instantiate(part)
    assert canary.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_arguments_that_open_something(
    name: str, checkpoint: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "secret")
    path = write(tmp_path / "evil.ckpt", checkpoint, model__net=REFUSED[name])
    with pytest.raises(UntrustedError) as error:
        load_network(path)
    text = str(error.value)
    assert text.startswith(f"{path}: ")
    assert "secret" not in text
    assert len(text) < 500


def test_pretrained_weights_are_not_loaded(checkpoint: dict[str, Any], tmp_path: Path) -> None:
    net = {**UNET, "pretrained": True, "encoder_weights": "/etc/passwd"}
    path = write(tmp_path / "a.ckpt", checkpoint, model__net=net)
    # UNet has no such arguments; they arrive as those that load nothing.
    with pytest.raises(CheckpointError, match="unexpected keyword argument"):
        load_network(path)


@pytest.mark.parametrize("part", ["loss", "optimizer", "scheduler", "physics", "data", "trainer"])
def test_other_parts_are_not_built(
    part: str, checkpoint: dict[str, Any], canary: Path, tmp_path: Path
) -> None:
    evil = RUNNING["sympy"](canary)
    recipe = checkpoint["roilab_recipe"]
    value = {**recipe["data"], **evil} if part == "data" else evil
    opened = open_network(str(write(tmp_path / "a.ckpt", checkpoint, **{part: value})))
    assert opened.name == "UNet"
    assert not canary.exists()


def spec_of(data: dict[str, Any]) -> NetworkSpec:
    return NetworkSpec(tuple(data["layers"]), ("V",), 10, 1.0, 0.5, 100, 0, "bins")


def test_data_of_a_checkpoint(
    checkpoint: dict[str, Any],
    canary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = checkpoint["roilab_recipe"]["data"]
    file = tmp_path / "a.ckpt"
    spec = spec_of(data)
    for evil in (
        {**data, **RUNNING["sympy"](canary)},
        {**data, "_recursive_": True, "detector": RUNNING["numpy"](canary)},
        {**data, "dir": "${oc.env:HOME}"},
    ):
        with pytest.raises(UntrustedError, match=r"a\.ckpt: "):
            validation_events(evil, spec, file, ())
    monkeypatch.setattr(RoiDataModule, "setup", lambda self: None)
    # Data that the training simulated are read, never simulated again.
    simulated = {**data, "_target_": "roilab.data.SimulatedDataModule", "simulated_samples": {}}
    simulated["simulation"] = RUNNING["sympy"](canary)
    assert type(validation_events(simulated, spec, file, ())) is RoiDataModule
    assert not canary.exists()


class OwnNetwork(torch.nn.Module):
    """A network of a user, with an argument of its own."""

    def __init__(self, n_layers: int, gain: float) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(n_layers, 1, 1)
        self.gain = gain

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.conv(image) * self.gain


def test_networks_that_the_user_trusts(checkpoint: dict[str, Any], tmp_path: Path) -> None:
    own = {"_target_": f"{__name__}.OwnNetwork", "n_layers": 3, "gain": 2.0}
    weights = {f"net.{k}": v for k, v in OwnNetwork(3, 2.0).state_dict().items()}
    kept = {k: v for k, v in checkpoint["state_dict"].items() if k.startswith("normalization.")}
    path = write(tmp_path / "a.ckpt", checkpoint | {"state_dict": kept | weights}, model__net=own)
    with pytest.raises(UntrustedError) as error:
        load_network(path)
    assert f"add trust=[{own['_target_']}]" in str(error.value)
    network = load_network(path, [own["_target_"]])
    assert network.net.gain == 2.0
    assert torch.equal(network.net.conv.weight, weights["net.conv.weight"])
    # To trust one class is not to trust all that it is given.
    with pytest.raises(UntrustedError, match="evil"):
        load_network(
            write(path, checkpoint, model__net={**own, "gain": {"_target_": "evil.Gain"}}),
            [own["_target_"]],
        )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("data__layers", "loose_lf"), ("data__layers", [1]), ("data__rebin", "ten"),
        ("data__rebin", 0), ("model__mask_thresh", 7), ("model__name", "a\nb"),
        ("data__planes", ["X"]), ("data__pad_unit", "years"), ("data", None), ("seed", None),
    ],
)  # fmt: skip
def test_recipes_that_make_no_sense(
    key: str, value: Any, checkpoint: dict[str, Any], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ckpt", checkpoint, **{key: value})
    if key == "seed":  # only written into the model card
        assert load_network(path)
        return
    with pytest.raises((MetadataError, CheckpointError), match=r"a\.ckpt: "):
        load_network(path)


def test_known_classes_are_those_of_conf() -> None:
    found: dict[str, set[str]] = {"model": set(), "data": set(), "detector": set()}
    for group, targets in found.items():
        for file in (config_dir() / group).glob("*.yaml"):
            text = file.read_text()
            lines = [line.split("#")[0].strip() for line in text.splitlines()]
            targets |= {ln.split(":")[1].strip() for ln in lines if ln.startswith("_target_:")}
    assert found["model"] - {"???"} == NETWORKS  # ??? in base: a network of the user
    assert found["data"] | found["detector"] == DATA
