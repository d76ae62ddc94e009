"""Properties that every network of conf/model must have."""

from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from building import NETWORKS, build, image
from torch.nn import functional

from roilab.models import NetworkError, RoiNetwork, load_weights
from roilab.wirecell.torchscript import ignore_deprecation, script

# Depth of each network, as in docs/networks.md. A new file in conf/model needs a line here.
STRIDES = {
    "unet": 16,
    "unet_small": 16,
    "unet_fast": 32,
    "mobilenetv2": 8,
    "mobilenetv3": 32,
    "transformer": 16,
    "uresnet": 8,
    "nestedunet": 16,
    "timm": 32,
}
# Pixels from the edge of an image up to which the zeros outside change the logits (at most), as in
# docs/networks.md. The others average over the entire image (squeeze-excite, attention).
REACH = {
    "unet": 122,
    "unet_small": 122,
    "unet_fast": 244,
    "uresnet": 51,
    "nestedunet": 122,
    "mobilenetv2": 270,
    "timm": 341,
}
# Fewer features, to save time.
SMALL = {
    "unet": ["model.net.encoder_widths=[8,8,8,16,16]", "model.net.decoder_widths=[8,8,8,8]"],
    "unet_small": [],
    "unet_fast": [],
    "uresnet": ["model.net.encoder_widths=[8,8,8,16]", "model.net.decoder_widths=[8,8,8]"],
    "nestedunet": ["model.net.widths=[8,8,8,16,16]"],
    "transformer": [
        *("model.net.encoder_widths=[8,8,8,16,32]", "model.net.decoder_widths=[8,8,8,8]"),
        *("model.net.depth=2", "model.net.hidden=64"),
    ],
    "mobilenetv2": ["model.net.encoder=mobilenetv2_035", "model.net.decoder_widths=[32,16]"],
    "mobilenetv3": ["model.net.decoder_widths=[32,16,16,16]"],
    "timm": ["model.net.encoder=test_resnet", "model.net.decoder_widths=[32,16,16,16]"],
}
SIZES = ((32, 32), (33, 47), (75, 131))

every_network = pytest.mark.parametrize("name", NETWORKS)


@cache
def shared(name: str) -> RoiNetwork:
    """A small network; tests that change it take a copy."""
    return build(name, *SMALL[name])


def copy_of(name: str) -> RoiNetwork:
    return deepcopy(shared(name))


@pytest.fixture(autouse=True)
def _no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def assert_same(got: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-5) -> None:
    """Compare with a tolerance relative to the standard deviation, which must not be 0."""
    assert got.shape == expected.shape
    assert expected.std() > 1e-3
    assert float((got - expected).abs().max() / expected.std()) < tolerance


@every_network
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_one_logit_per_pixel(name: str, size: tuple[int, int]) -> None:
    logits = shared(name)(image(*size, batch=2))
    assert logits.shape == (2, 1, *size)
    assert logits.isfinite().all()


@every_network
def test_gradient_reaches_every_parameter(name: str) -> None:
    net = copy_of(name)  # in evaluation mode: in training, biases before batch norm get none
    net(image(64, 96, batch=2)).square().sum().backward()
    unreached = [
        n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert unreached == []


@every_network
def test_docs_state_the_number_of_parameters(name: str) -> None:
    parameters = sum(p.numel() for p in build(name).parameters())
    page = Path(__file__).parents[2] / "docs" / "networks.md"
    assert f"| {name} | {parameters:,} |" in page.read_text()


@every_network
def test_trains_on_a_batch_of_one(name: str) -> None:
    logits = copy_of(name).train()(image(64, 64))
    assert logits.isfinite().all()


@every_network
def test_script_gives_the_same_logits(name: str) -> None:
    scripted = script(shared(name))
    for size in SIZES[1:]:
        assert_same(scripted(image(*size)), shared(name)(image(*size)))


@every_network
def test_trace_gives_the_same_logits_at_other_sizes(name: str) -> None:
    with ignore_deprecation():
        traced = torch.jit.trace(shared(name), image(64, 96))
    for size in SIZES[1:]:
        assert_same(traced(image(*size)), shared(name)(image(*size)))


@every_network
def test_images_of_a_batch_do_not_mix(name: str) -> None:
    batch = image(75, 131, batch=4)
    assert_same(shared(name)(batch[:2]), shared(name)(batch)[:2], 1e-4)


@every_network
def test_channels_last_gives_the_same_logits(name: str) -> None:
    x = image(75, 131)
    net = copy_of(name)
    expected = net(x)
    net.to(memory_format=torch.channels_last)
    assert_same(net(x.contiguous(memory_format=torch.channels_last)), expected, 1e-4)


@every_network
def test_saved_weights_give_the_same_logits(name: str, tmp_path: Path) -> None:
    torch.save(shared(name).state_dict(), tmp_path / "weights.pth")
    other = copy_of(name)
    for tensor in other.state_dict().values():
        tensor.add_(1)
    assert not torch.equal(other(image(33, 47)), shared(name)(image(33, 47)))
    load_weights(other, tmp_path / "weights.pth")
    assert torch.equal(other(image(33, 47)), shared(name)(image(33, 47)))


@every_network
def test_number_of_layers_follows_the_data(name: str) -> None:
    net = build(
        name, *SMALL[name], "data.layers=[loose_lf,mp2_roi,mp3_roi,tight_lf,decon_charge,gauss]"
    )
    assert net(image(40, 50, layers=6)).shape == (1, 1, 40, 50)


@every_network
def test_small_images_and_wrong_layers_are_errors(name: str) -> None:
    with pytest.raises(NetworkError, match="31 channels x 64 slices; expected at least 32"):
        shared(name)(image(31, 64))
    with pytest.raises(NetworkError, match="has 2 layers; expected 3"):
        shared(name)(image(64, 64, layers=2))


@pytest.mark.parametrize("name", ["mobilenetv3", "timm"])
def test_networks_of_depth_32_pad_outside(name: str) -> None:
    assert shared(name).multiple == STRIDES[name]
    x = image(75, 131)
    padded = functional.pad(x, [0, 160 - 131, 0, 96 - 75])
    assert_same(shared(name)(x), shared(name)(padded)[:, :, :75, :131])


def shifted_logits(net: RoiNetwork, edge: int, by: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of two crops of one image, ``by`` slices apart, ``edge`` away from their edges."""
    width = 2 * edge + 128
    x = image(32, width + by).double()
    first, second = net(x[..., :width]), net(x[..., by:])
    return second[..., edge : width - edge - by], first[..., edge + by : width - edge]


@pytest.mark.parametrize("name", REACH)
def test_shift_by_the_stride_shifts_the_logits(name: str) -> None:
    net = build(name, "model.net.align_corners=false", *SMALL[name]).double()
    assert_same(*shifted_logits(net, REACH[name], STRIDES[name]), 1e-9)
    got, expected = shifted_logits(net, REACH[name], 1)  # only shifts by the stride are exact
    assert float((got - expected).abs().max() / expected.std()) > 1e-3


@pytest.mark.parametrize("name", ["unet", "unet_small", "uresnet", "nestedunet"])
def test_with_aligned_corners_the_logits_shift_approximately(name: str) -> None:
    got, expected = shifted_logits(copy_of(name).double(), REACH[name], STRIDES[name])
    assert 1e-9 < float((got - expected).abs().max() / expected.std()) < 0.5
    assert float((got - expected).std() / expected.std()) < 0.05
