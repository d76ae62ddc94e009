"""Every network of conf/model does what a network of roilab has to."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import torch
from building import NETWORKS, build, image
from torch.nn import functional

from roilab.models import NetworkError, RoiNetwork, load_weights
from roilab.wirecell.torchscript import ignore_deprecation, script

# Depth of each network: the field's table. A new file in conf/model needs its line here.
STRIDES = {
    "unet": 16,
    "mobilenetv2": 32,
    "mobilenetv3": 32,
    "transformer": 16,
    "uresnet": 8,
    "nestedunet": 16,
    "timm": 32,
}
# Fewer features, where they do not matter, for time's sake.
THIN = {
    "unet": ["model.net.encoder_widths=[8,8,8,16,16]", "model.net.decoder_widths=[8,8,8,8]"],
    "uresnet": ["model.net.encoder_widths=[8,8,8,16]", "model.net.decoder_widths=[8,8,8]"],
    "nestedunet": ["model.net.widths=[8,8,8,16,16]"],
}
GLOBAL = ("mobilenetv3", "transformer")  # squeeze-excite, attention: no pixel is far from any other
ODD_SIZES = ((32, 32), (33, 47), (75, 131))

every_network = pytest.mark.parametrize("name", NETWORKS)
built = cache(build)


@pytest.fixture(autouse=True)
def _no_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


def assert_same(got: torch.Tensor, expected: torch.Tensor, tolerance: float = 1e-5) -> None:
    """Equal to a part of the spread of the numbers, and there is a spread."""
    assert got.shape == expected.shape
    assert expected.std() > 1e-3
    assert float((got - expected).abs().max() / expected.std()) < tolerance


@every_network
@pytest.mark.parametrize("size", ODD_SIZES, ids=str)
def test_one_logit_a_pixel(name: str, size: tuple[int, int]) -> None:
    logits = built(name)(image(*size, batch=2))
    assert logits.shape == (2, 1, *size)
    assert logits.isfinite().all()


@every_network
def test_gradient_reaches_every_parameter(name: str) -> None:
    net = build(name)  # in evaluation mode: batch norm takes the gradient of biases before it
    net(image(64, 96, batch=2)).square().sum().backward()
    unreached = [
        n for n, p in net.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert unreached == []


@every_network
def test_parameters_are_counted_in_the_docs(name: str) -> None:
    parameters = sum(p.numel() for p in built(name).parameters())
    page = Path(__file__).parents[2] / "docs" / "networks.md"
    assert f"| {name} | {parameters:,} |" in page.read_text()


@every_network
def test_trains_on_a_batch_of_one(name: str) -> None:
    logits = build(name).train()(image(64, 64))
    assert logits.isfinite().all()


@every_network
def test_scripted_is_the_same(name: str) -> None:
    scripted = script(built(name))
    for size in ODD_SIZES[1:]:
        assert_same(scripted(image(*size)), built(name)(image(*size)))


@every_network
def test_traced_is_the_same_at_another_size(name: str) -> None:
    with ignore_deprecation():
        traced = torch.jit.trace(built(name), image(64, 96))
    for size in ODD_SIZES[1:]:
        assert_same(traced(image(*size)), built(name)(image(*size)))


@every_network
def test_events_of_a_batch_do_not_mix(name: str) -> None:
    batch = image(75, 131, batch=4)
    assert_same(built(name)(batch[:2]), built(name)(batch)[:2], 1e-4)


@every_network
def test_layers_last_in_memory(name: str) -> None:
    x = image(75, 131)
    net = build(name)
    expected = net(x)
    net.to(memory_format=torch.channels_last)
    assert_same(net(x.contiguous(memory_format=torch.channels_last)), expected, 1e-4)


@every_network
def test_state_dict_round_trip(name: str, tmp_path: Path) -> None:
    torch.save(built(name).state_dict(), tmp_path / "weights.pth")
    other = build(name, seed=1)
    assert not torch.equal(other(image(33, 47)), built(name)(image(33, 47)))
    load_weights(other, tmp_path / "weights.pth")
    assert torch.equal(other(image(33, 47)), built(name)(image(33, 47)))


@every_network
def test_follows_the_layers_of_the_data(name: str) -> None:
    net = build(name, "data.layers=[loose_lf,mp2_roi,mp3_roi,tight_lf,decon_charge,gauss]")
    assert net(image(40, 50, layers=6)).shape == (1, 1, 40, 50)


@every_network
def test_refuses_what_it_cannot_take(name: str) -> None:
    with pytest.raises(NetworkError, match="31 channels x 64 slices; expected at least 32"):
        built(name)(image(31, 64))
    with pytest.raises(NetworkError, match="has 2 layers; expected 3"):
        built(name)(image(64, 64, layers=2))


@pytest.mark.parametrize("name", [n for n in NETWORKS if STRIDES[n] == 32])
def test_pads_outside_at_a_depth_of_32(name: str) -> None:
    x = image(75, 131)
    padded = functional.pad(x, [0, 160 - 131, 0, 96 - 75])
    assert_same(built(name)(x), built(name)(padded)[:, :, :75, :131])


def shifted(net: RoiNetwork, by: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of two pieces of one image, ``by`` slices apart, where both are far from the edge."""
    edge, width = 384, 1024  # docs/networks.md: no network without averages reaches farther
    x = image(32, width + by).double()
    first, second = net(x[..., :width]), net(x[..., by:])
    return second[..., edge : width - edge - by], first[..., edge + by : width - edge]


@pytest.mark.parametrize("name", [n for n in NETWORKS if n not in GLOBAL])
def test_shift_by_the_stride_shifts_the_logits(name: str) -> None:
    net = build(name, "model.net.align_corners=false", *THIN.get(name, [])).double()
    assert_same(*shifted(net, STRIDES[name]), 1e-9)
    got, expected = shifted(net, 1)  # the rule is about the stride, not any shift
    assert float((got - expected).abs().max() / expected.std()) > 1e-3


@pytest.mark.parametrize("name", ["unet", "uresnet", "nestedunet"])
def test_aligned_corners_shift_the_logits_nearly(name: str) -> None:
    got, expected = shifted(build(name, *THIN[name]).double(), STRIDES[name])
    assert 1e-9 < float((got - expected).abs().max() / expected.std()) < 0.5
    assert float((got - expected).std() / expected.std()) < 0.05
