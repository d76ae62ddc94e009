"""Encoders of timm: which are taken, which refused, and where their weights come from."""

from pathlib import Path

import pytest
import timm
import torch
from building import build, image
from hydra.errors import InstantiationException
from safetensors.torch import save_file

from roilab.models import NetworkError
from roilab.wirecell.torchscript import script


def unet_around(encoder: str, *overrides: str) -> torch.nn.Module:
    return build("timm", f"model.net.encoder={encoder}", *overrides)


def refusal(encoder: str, *overrides: str) -> str:
    with pytest.raises(InstantiationException) as error:
        unet_around(encoder, *overrides)
    assert isinstance(error.value.__cause__, NetworkError)
    return str(error.value.__cause__)


@pytest.mark.parametrize(
    ("encoder", "overrides"),
    [
        ("convnext_atto", []),  # strides from 4
        ("efficientnet_b0", []),
        ("tf_efficientnetv2_b0", []),  # padding that depends on the size
        ("mobilenetv4_conv_small", []),
        ("swin_tiny_patch4_window7_224", ["+model.net.encoder_options.strict_img_size=false"]),
        ("mambaout_femto", []),  # features come with the layers last
        ("dla34", []),
    ],
)
@torch.no_grad()
def test_encoders(encoder: str, overrides: list[str]) -> None:
    net = unet_around(encoder, *overrides)
    scripted = script(net)
    for size in ((33, 47), (100, 131)):
        logits = net(image(*size))
        assert logits.shape == (1, 1, *size)
        assert torch.allclose(scripted(image(*size)), logits, rtol=1e-4, atol=1e-5)


def test_unknown_name_suggests_the_nearest() -> None:
    text = refusal("resnet81")
    assert "has no such network" in text
    assert "resnet18" in text


@pytest.mark.parametrize(
    ("encoder", "why"),
    [
        ("vit_tiny_patch16_224", "each half the size"),
        ("swin_tiny_patch4_window7_224", "+model.net.encoder_options.strict_img_size=false"),
        ("maxvit_pico_rw_256", "does not take images of any size"),
        ("hrnet_w18_small", "cannot be exported"),
        ("resnet18.no_such_tag", "timm cannot build it"),
    ],
)
def test_refused(encoder: str, why: str) -> None:
    text = refusal(encoder)
    assert f"encoder={encoder}" in text
    assert why in text
    assert "\n" not in text


def test_too_few_widths() -> None:
    text = refusal("test_resnet", "model.net.decoder_widths=[64,32]")
    assert "has 3 stages" in text or "has 4 stages" in text


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_encoder_weights_from_a_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"imagenet{suffix}"
    torch.manual_seed(7)
    imagenet = timm.create_model("test_resnet", pretrained=False).state_dict()
    save_file(imagenet, path) if suffix == ".safetensors" else torch.save(imagenet, path)
    config = [f"model.net.encoder_weights={path}", "data.layers=[loose_lf,mp2_roi]"]
    torch.manual_seed(8)
    net = unet_around("test_resnet", *config)
    got = net.state_dict()
    same = [n for n, w in imagenet.items() if n.startswith("layer2") and "running_var" in n]
    assert same
    for name in same:
        assert torch.equal(got[f"encoder.net.{name}"], imagenet[name])
    conv = "layer2.0.conv1.weight"
    assert torch.allclose(got[f"encoder.net.{conv}"], imagenet[conv], atol=0.2)
    assert got["encoder.net.conv1.0.weight"].shape[1] == 2  # of three colours


def test_encoder_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(timm.create_model("test_efficientnet", pretrained=False).state_dict(), path)
    text = refusal("test_resnet", f"model.net.encoder_weights={path}")
    assert "not the weights of test_resnet" in text
    assert "missing (such as conv1.0.weight)" in text


def test_encoder_weights_where_one_size_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "imagenet.pth"
    torch.save(timm.create_model("mobilenetv2_050", pretrained=False).state_dict(), path)
    net = build(
        "mobilenetv2",
        "model.net.encoder=mobilenetv2_050",
        f"model.net.encoder_weights={path}",
    )
    assert net(image(33, 47)).shape == (1, 1, 33, 47)
