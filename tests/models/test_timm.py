"""Encoders of timm: accepted and refused networks, weights from files."""

from pathlib import Path

import pytest
import timm
import torch
from building import build, image
from hydra.errors import InstantiationException
from safetensors.torch import save_file

from roilab.models import NetworkError
from roilab.wirecell.torchscript import script

SMALL_SWIN = [
    "+model.net.encoder_options.strict_img_size=false",
    "+model.net.encoder_options.embed_dim=24",
]


def build_unet(encoder: str, *overrides: str) -> torch.nn.Module:
    return build("timm", f"model.net.encoder={encoder}", *overrides)


def error_text(encoder: str, *overrides: str) -> str:
    with pytest.raises(InstantiationException) as error:
        build_unet(encoder, *overrides)
    assert isinstance(error.value.__cause__, NetworkError)
    return str(error.value.__cause__)


@pytest.mark.parametrize(
    ("encoder", "overrides"),
    [
        ("test_convnext", []),  # strides from 4
        ("test_efficientnet", []),
        ("tf_mobilenetv3_small_minimal_100", []),  # padding that depends on the size
        ("mobilenetv4_conv_small_035", []),
        ("swin_tiny_patch4_window7_224", SMALL_SWIN),
        ("test_mambaout", []),  # the feature axis is the last
        ("dla46_c", []),
    ],
)
@torch.no_grad()
def test_encoders(encoder: str, overrides: list[str]) -> None:
    net = build_unet(encoder, *overrides)
    scripted = script(net)
    for size in ((33, 47), (100, 131)):
        logits = net(image(*size))
        assert logits.shape == (1, 1, *size)
        assert torch.allclose(scripted(image(*size)), logits, rtol=1e-4, atol=1e-5)


def test_unknown_name_suggests_similar_ones() -> None:
    text = error_text("resnet81")
    assert "has no such network" in text
    assert "resnet18" in text


@pytest.mark.parametrize(
    ("encoder", "reason"),
    [
        ("test_vit", "each half the size"),
        ("swin_tiny_patch4_window7_224", "+model.net.encoder_options.strict_img_size=false"),
        ("test_maxvit", "does not take images of any size"),
        ("resnet18.no_such_tag", "timm cannot build it"),
    ],
)
def test_unsuitable_encoder_is_an_error(encoder: str, reason: str) -> None:
    text = error_text(encoder)
    assert f"encoder={encoder}" in text
    assert reason in text
    assert "\n" not in text


def test_too_few_widths_are_an_error() -> None:
    text = error_text("test_resnet", "model.net.decoder_widths=[64,32]")
    assert "its decoder has 4 stages; model.net.decoder_widths has 2 numbers" in text


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_encoder_weights_from_a_file(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"imagenet{suffix}"
    torch.manual_seed(7)
    imagenet = timm.create_model("test_resnet", pretrained=False).state_dict()
    save_file(imagenet, path) if suffix == ".safetensors" else torch.save(imagenet, path)
    config = [f"model.net.encoder_weights={path}", "data.layers=[loose_lf,mp2_roi]"]
    torch.manual_seed(8)
    net = build_unet("test_resnet", *config)
    got = net.state_dict()
    same = [n for n, w in imagenet.items() if n.startswith("layer2") and "running_var" in n]
    assert same
    for name in same:
        assert torch.equal(got[f"encoder.net.{name}"], imagenet[name])
    conv = "layer2.0.conv1.weight"
    assert torch.allclose(got[f"encoder.net.{conv}"], imagenet[conv], atol=0.2)
    assert got["encoder.net.conv1.0.weight"].shape[1] == 2  # instead of three colours


def test_encoder_weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save(timm.create_model("test_efficientnet", pretrained=False).state_dict(), path)
    text = error_text("test_resnet", f"model.net.encoder_weights={path}")
    assert "not the weights of test_resnet" in text
    assert "missing (such as conv1.0.weight)" in text


def test_encoder_weights_with_a_single_size(tmp_path: Path) -> None:
    path = tmp_path / "imagenet.pth"
    torch.save(timm.create_model("mobilenetv2_035", pretrained=False).state_dict(), path)
    net = build(
        "mobilenetv2",
        "model.net.encoder=mobilenetv2_035",
        f"model.net.encoder_weights={path}",
    )
    assert net(image(33, 47)).shape == (1, 1, 33, 47)
