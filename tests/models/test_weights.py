"""Weights from files; those of the reference code give the reference's probabilities."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reference_networks
import torch
from building import build, image
from torch import nn

from roilab.models import RoiNetwork, WeightsError, load_weights
from roilab.train.module import build_module, start_module
from roilab.wirecell.torchscript import ignore_deprecation

REFERENCES: dict[str, Callable[[int], nn.Module]] = {
    "unet": reference_networks.UNet,
    "uresnet": reference_networks.UResNet,
    "nestedunet": reference_networks.NestedUNet,
    "transformer": reference_networks.TransformerUNet,
}
EXAMPLE = (64, 64)
SMALL = ("model.net.encoder_widths=[4,8,8,8,8]", "model.net.decoder_widths=[8,8,4,4]")


def reference_of(name: str, n_layers: int = 3) -> nn.Module:
    """Return the reference network with weights and statistics as after some training."""
    torch.manual_seed(1)
    reference = REFERENCES[name](n_layers)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
        # so that the probabilities are not all near 0.5
        head = "final" if name == "nestedunet" else "outc.conv"
        reference.get_parameter(f"{head}.weight").mul_(20)
        reference(3 * image(*EXAMPLE, batch=2, layers=n_layers))
    return reference.eval()


def as_state_dict(reference: nn.Module, path: Path) -> None:
    torch.save(reference.state_dict(), path)


def as_lightning(reference: nn.Module, path: Path) -> None:
    weights = {f"net.{name}": weight for name, weight in reference.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": {**weights, "losses.sum": torch.zeros(1)}}, path)


def as_data_parallel(reference: nn.Module, path: Path) -> None:
    torch.save(nn.DataParallel(reference).state_dict(), path)


def as_torchscript(reference: nn.Module, path: Path) -> None:
    with ignore_deprecation(), torch.no_grad():
        torch.jit.trace(reference, image(*EXAMPLE), check_trace=False).save(path)


@torch.no_grad()
def assert_same_probability(net: RoiNetwork, reference: nn.Module, *size: int) -> None:
    expected = reference(image(*size))
    assert expected.std() > 0.02
    assert float((net.eval()(image(*size)).sigmoid() - expected).abs().max()) < 1e-5


@pytest.mark.parametrize(
    ("name", "save"),
    [
        *((name, as_state_dict) for name in REFERENCES),
        *(("uresnet", save) for save in (as_lightning, as_data_parallel, as_torchscript)),
    ],
)
def test_reference_weights_give_the_same_probability(
    name: str, save: Callable[[nn.Module, Path], None], tmp_path: Path
) -> None:
    net = build(name)
    reference = reference_of(name)
    save(reference, tmp_path / "weights")
    load_weights(net, tmp_path / "weights")
    assert_same_probability(net, reference, 80, 60)  # 60 halves to 30, 15, 7, 3


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_reference_weights_at_full_size(name: str, tmp_path: Path) -> None:
    net = build(name)
    reference = reference_of(name)
    as_state_dict(reference, tmp_path / "weights.pth")
    load_weights(net, tmp_path / "weights.pth")
    assert_same_probability(net, reference, 800, 600)


@pytest.fixture(scope="module")
def unet_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "unet.pth"
    as_state_dict(reference_of("unet"), path)
    return path


def test_weights_of_another_network_are_an_error(unet_weights: Path) -> None:
    with pytest.raises(WeightsError, match="not the weights of UResNet") as error:
        load_weights(build("uresnet"), unet_weights)
    text = str(error.value)
    assert "missing encoder.stages.0.residual.0.weight" in text
    assert "unexpected inc.conv.conv.0.weight" in text
    assert "more" in text
    assert "\n" not in text


def test_another_number_of_layers_is_an_error(unet_weights: Path) -> None:
    net = build("unet", "data.layers=[loose_lf,gauss]")
    with pytest.raises(WeightsError, match=r"take 3 input layers; expected 2.*data\.layers"):
        load_weights(net, unet_weights)


def test_another_number_of_layers_in_two_convolutions_is_an_error(tmp_path: Path) -> None:
    as_state_dict(reference_of("uresnet", n_layers=2), tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match="take 2 input layers; expected 3"):
        load_weights(build("uresnet"), tmp_path / "weights.pth")


def test_other_widths_are_an_error(unet_weights: Path) -> None:
    net = build("unet", "model.net.decoder_widths=[256,128,64,32]")
    with pytest.raises(WeightsError, match=r"decoder.stages.3.conv.0.weight has shape \(64, 128"):
        load_weights(net, unet_weights)


def test_weights_without_batch_counts_are_loaded(unet_weights: Path, tmp_path: Path) -> None:
    weights = torch.load(unet_weights, weights_only=True)
    old = {n: w for n, w in weights.items() if "num_batches" not in n}
    torch.save(old, tmp_path / "old.pth")
    load_weights(build("unet"), tmp_path / "old.pth")


class _Unknown:
    """An object that a pickle may hold and that is not loaded."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3}, "holds no weights"),
        (torch.zeros(3), "holds no weights"),
        ({"net": _Unknown()}, "save the network's state_dict"),
    ],
)
def test_file_without_weights_is_an_error(content: object, message: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=message):
        load_weights(build("unet", *SMALL), tmp_path / "weights.pth")


def test_absent_and_damaged_files_are_errors(tmp_path: Path) -> None:
    net = build("unet", *SMALL)
    with pytest.raises(WeightsError, match="no such weights file"):
        load_weights(net, tmp_path / "weights.pth")
    for name in ("weights.pth", "weights.safetensors"):
        (tmp_path / name).write_bytes(b"not weights")
        with pytest.raises(WeightsError, match=f"{name}: (cannot be read|not a complete)"):
            load_weights(net, tmp_path / name)


def recipe_of(**model: object) -> dict[str, Any]:
    return {
        "data": {"layers": ["loose_lf", "mp2_roi", "mp3_roi"]},
        "model": {"weights": None, "mask_thresh": 0.5, "channels_last": True, **model},
        "loss": {"_target_": "torch.nn.BCEWithLogitsLoss"},
        "optimizer": {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1},
        "scheduler": {"factory": None},
    }


def test_training_starts_from_weights_and_a_checkpoint_does_not_need_them(tmp_path: Path) -> None:
    net = build("unet", *SMALL)
    net_config = {
        "_target_": "roilab.models.UNet",
        "n_layers": 3,
        "encoder_widths": [4, 8, 8, 8, 8],
        "decoder_widths": [8, 8, 4, 4],
        "align_corners": True,
    }
    path = tmp_path / "weights.pth"
    recipe = recipe_of(net=net_config, weights=str(path))
    torch.save(net.state_dict(), path)
    module = start_module(recipe)
    assert all(torch.equal(w, net.state_dict()[n]) for n, w in module.net.state_dict().items())
    # a checkpoint of roilab also holds loss and metrics
    torch.save({"state_dict": module.state_dict()}, path)
    load_weights(build("unet", *SMALL, seed=2), path)
    path.unlink()
    build_module(recipe)
    with pytest.raises(WeightsError, match="no such weights file"):
        start_module(recipe)


@pytest.mark.parametrize("key", [None, "model_state_dict", "state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module.", "net.", "model.", "_orig_mod.", "module.net."])
def test_checkpoints_of_other_programs(key: str | None, prefix: str, tmp_path: Path) -> None:
    net = nn.Sequential(OrderedDict(net=nn.Conv2d(3, 2, 1), head=nn.Conv2d(2, 1, 1)))
    weights = {f"{prefix}{n}": w + 1 for n, w in net.state_dict().items()}
    expected = [w + 1 for w in net.state_dict().values()]
    torch.save(weights if key is None else {key: weights, "epoch": 1}, tmp_path / "w.pth")
    load_weights(net, tmp_path / "w.pth")
    assert all(map(torch.equal, net.state_dict().values(), expected))


def test_names_that_do_not_fit_are_counted(tmp_path: Path) -> None:
    net = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 2, 1), b=nn.Conv2d(2, 1, 1)))
    weights = {n.replace("b.", "c."): w for n, w in net.state_dict().items()}
    torch.save({"model": weights}, tmp_path / "w.pth")
    text = (
        r"2 of 4 names in the file fit the 4 of the network; missing b\.weight, b\.bias; unexpected"
    )
    with pytest.raises(WeightsError, match=text):
        load_weights(net, tmp_path / "w.pth")


def test_a_checkpoint_does_not_need_encoder_weights(tmp_path: Path) -> None:
    net_config = {
        "_target_": "roilab.models.TimmUNet",
        "n_layers": 3,
        "encoder": "test_resnet",
        "encoder_weights": str(tmp_path / "gone.pth"),
        "pretrained": True,
        "encoder_options": {},
        "decoder_widths": [16, 8, 8, 8],
        "full_width": 8,
        "align_corners": False,
    }
    recipe = recipe_of(net=net_config)
    build_module(recipe)
    with pytest.raises(WeightsError, match=r"gone\.pth: there is no such weights file"):
        start_module(recipe)
