"""Own networks and losses before a training: refused in one sentence, or exported."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from composing import composed
from roilab.building import TargetError
from roilab.export.settings import ExportError, ExportSettings
from roilab.models import NetworkError
from roilab.train.callbacks.export import ExportTorchScript
from roilab.train.module import RoiModule, build_module
from roilab.train.network_check import LossError, check_network

EXPORT = ExportTorchScript(
    "never written",
    ExportSettings(
        precision="float32",
        calibration=None,
        max_memory_mb=1000,
        format="torchscript",
        licence=None,
    ),
)


def module(name: str, *overrides: str) -> RoiModule:
    net = ["model=base", f"model.net._target_=own_networks.{name}"] if name else []
    config = composed("train", ["data=pdhd", "data.dir=d", "run_dir=o", *net, *overrides])
    recipe: Any = OmegaConf.to_container(config, resolve=True)
    return build_module(recipe)


@pytest.mark.parametrize(
    ("name", "overrides", "text"),
    [
        ("Pair", [], r"Pair returns a tuple; expected one tensor of logits"),
        ("PairInTraining", [], r"returns a list while it trains"),
        ("OneConvolution", ["+model.net.outputs=2"], r"\(2, 2, 64, 96\).*: 2 channels; expected"),
        ("OneConvolution", ["+model.net.stride=2"], r"\(2, 1, 32, 48\) for .* Pad or upsample"),
        ("OneConvolution", ["model.net.n_layers=2"], r"cannot compute 2 images of 3 layers"),
        ("Only32", [], r"works only if 32 divides both sizes, not for 75 x 131"),
    ],
)
def test_networks_that_do_not_fit(name: str, overrides: list[str], text: str) -> None:
    with pytest.raises(NetworkError, match=text) as error:
        check_network(module(name, *overrides))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LossPerPixel", r"returns the shape \(2, 1, 64, 96\); expected one number"),
        ("LossWithoutGradient", r"has no gradient for the weights of OneConvolution"),
        ("LossOfProbabilities", r"fails \(TypeError.*A loss maps \(logits, truth mask\)"),
    ],
)
def test_losses_that_do_not_fit(name: str, text: str) -> None:
    with pytest.raises(LossError, match=text):
        check_network(module("OneConvolution", f"loss._target_=own_networks.{name}"))


def test_probabilities_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    check_network(module("OneConvolution"))
    assert not caplog.text
    check_network(module("Probabilities"))
    assert "Probabilities: all outputs are between 0 and 1" in caplog.text


def test_a_check_changes_nothing() -> None:
    made = module("WithStatistics")
    made.net.get_submodule("drop").eval()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    random = torch.get_rng_state()
    check_network(made)
    EXPORT.check(made)
    assert all(torch.equal(value, before[name]) for name, value in made.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    modes = {name: part.training for name, part in made.net.named_children()}
    assert modes == {"conv": True, "norm": True, "drop": False}


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("OneConvolution", "in bands of channels"),
        ("OnlyScript", "torch.jit.script"),
        ("OnlyTrace", "torch.jit.trace"),
    ],
)
def test_forms_of_the_export(name: str, form: str, caplog: pytest.LogCaptureFixture) -> None:
    text = EXPORT.check(module(name))
    assert text.startswith(f"{form}, float32, about 3")  # 300 MB for the libraries
    assert ("cannot be computed in bands" in caplog.text) == (name != "OneConvolution")


def test_no_form_works() -> None:
    with pytest.raises(ExportError, match=r"differs by .* at channel|callbacks\.export=null"):
        EXPORT.check(module("NoExport"))


def test_a_training_refuses_before_it_writes_checkpoints(
    run_train: Any, light_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["model=base", "model.net._target_=own_networks.Pair"]
    with pytest.raises(SystemExit):
        run_train(*light_arguments, *own)
    assert "Pair returns a tuple; expected one tensor of logits" in capsys.readouterr().err
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("overrides", "text"),
    [
        (
            ["model=mobilenetv3", "model.net._target_=own_networks.OneConvolution"],
            r"takes no encoder, .*: it takes n_layers, outputs, stride\. .* start from model=base",
        ),
        (["model=base", "model.net._target_=no.Net"], r"model\.net: 'no\.Net' cannot be imported"),
        (["model=base", "model.net._target_=own_networks.N"], r"own_networks has no N"),
        (["model=base"], "model=base names no network"),
        (["model=base", "model.net._target_=torch.zeros", "~model.net.n_layers",
          "+model.net.size=[3]"], "gives Tensor; expected a torch.nn.Module"),
        (["loss._target_=no.Loss"], r"loss: 'no\.Loss' cannot be imported"),
        (["+optimizer.nestrov=true"], r"optimizer\._target_=torch\.optim\.SGD takes no nestrov"),
    ],
)  # fmt: skip
def test_targets_that_cannot_be_made(overrides: list[str], text: str) -> None:
    with pytest.raises((TargetError, NetworkError), match=text) as error:
        module("", *overrides)
    assert "\n" not in str(error.value)


def test_lists_are_plain() -> None:
    made: Any = module("Options", "+model.net.widths=[4,8]", "+model.net.more={a:[1]}")
    assert type(made.net.widths) is list
    assert (type(made.net.more), type(made.net.more["a"])) == (dict, list)


def test_swin_takes_a_list() -> None:
    swin = ["model=timm", "model.net.encoder=swin_tiny_patch4_window7_224"]
    options = "{strict_img_size:false,embed_dim:24,depths:[1,1,1,1],num_heads:[1,2,4,8]}"
    made = module("", *swin, f"+model.net.encoder_options={options}")
    encoder: Any = made.net.get_submodule("encoder.net")
    assert len(encoder.layers_0.blocks) == 1
