"""A network in bands has the outputs of the full image."""

import pytest
import torch
from building import build, image
from torch import nn

from roilab.models import RoiNetwork
from roilab.tiling import Graph, MemoryModel, TiledNetwork, lower, plan_full_images, plan_within
from roilab.wirecell.torchscript import script

SWIN = (
    "model.net.encoder=swin_tiny_patch4_window7_224",
    "+model.net.encoder_options.strict_img_size=false",
)
UNET = ("model.net.encoder_widths=[4,8,8,8,8]", "model.net.decoder_widths=[8,8,4,4]")
NETWORKS = {
    "unet": UNET,
    "unet corners not aligned": (*UNET, "model.net.align_corners=false"),
    "unet_fast": UNET,
    "uresnet": ("model.net.encoder_widths=[4,8,8,8]", "model.net.decoder_widths=[8,4,4]"),
    "nestedunet": ("model.net.widths=[4,8,8,8,8]",),
    "transformer": (
        *("model.net.encoder_widths=[4,8,8,8,16]", "model.net.decoder_widths=[8,8,4,4]"),
        *("model.net.heads=2", "model.net.depth=1", "model.net.hidden=16"),
    ),
    "mobilenetv2": (),
    "mobilenetv3": (),
    "mobilenetv3 corners aligned": ("model.net.align_corners=true",),
    "timm resnet18": (),
    "timm convnext": ("model.net.encoder=convnext_atto",),
    "timm swin": SWIN,
}
# Image size, and memory of full images divided by the bound; the last gives the smallest bands.
CASES = (((130, 50), 1), ((130, 50), 2), ((96, 160), 4), ((75, 131), 1000))


def network(name: str) -> RoiNetwork:
    """Return a network with updated batch norms, so that features are of order 1."""
    net = build(name.split(maxsplit=1)[0], "data.dir=d", *NETWORKS[name])
    with torch.no_grad():
        for seed in range(8):
            net.train()(image(64, 96, batch=2, seed=seed))
    return net.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_same_output_in_bands(name: str) -> None:
    net = network(name)
    graph = lower(net, nn.Identity(), 3)
    for size, part in CASES:
        x = image(*size)
        model = MemoryModel(graph, size, bytes_per_number=4)
        plan = plan_within(model, plan_full_images(model).peak // part)
        assert part == 1 or any(0 < step.rows < model.heights[step.target] for step in plan.steps)
        tiled: nn.Module = TiledNetwork(graph, plan.steps, size[1])
        with torch.no_grad():
            expected = net(x)
            tolerance = 1e-4 * float(expected.std())
            assert tolerance > 0
            eager = tiled(x)[:, :, : size[0], : size[1]]
            torch.testing.assert_close(eager, expected, atol=tolerance, rtol=0)
            if size == (75, 131):
                scripted = script(tiled)(x)[:, :, : size[0], : size[1]]
                torch.testing.assert_close(scripted, expected, atol=tolerance, rtol=0)


def test_planned_for_one_size_and_run_at_another() -> None:
    net = network("unet")
    graph = lower(net, nn.Identity(), 3)
    model = MemoryModel(graph, (96, 160), bytes_per_number=4)
    plan = plan_within(model, plan_full_images(model).peak // 4)
    tiled = TiledNetwork(graph, plan.steps, 160)
    for size in ((32, 32), (96, 500), (200, 40)):
        with torch.no_grad():
            torch.testing.assert_close(tiled(image(*size)), net(image(*size)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("part", [2, 3])
def test_a_plan_keeps_its_bound(part: int) -> None:
    graph = lower(network("unet"), nn.Identity(), 3)
    model = MemoryModel(graph, (256, 320), bytes_per_number=4)
    full = plan_full_images(model)
    plan = plan_within(model, full.peak // part)
    assert plan.peak <= full.peak // part
    assert plan.seconds < 3 * full.seconds


def test_the_region_sets_the_least_memory() -> None:
    graph = lower(network("mobilenetv3"), nn.Identity(), 3)
    model = MemoryModel(graph, (256, 320), bytes_per_number=4)
    assert model.region_peak > 0
    assert plan_within(model, 1).peak >= model.region_peak


def test_an_encoder_that_cannot_be_traced_becomes_the_region() -> None:
    graph: Graph = lower(network("timm swin"), nn.Identity(), 3)
    assert graph.region is not None
    assert graph.region_inputs == [1]  # the image, filled up to a multiple
    assert len(graph.region_outputs) == 4


def test_memory_of_one_convolution() -> None:
    """By hand: 4 features of 8 x 16 from 3 of 10 x 16, in float32."""

    class Single(RoiNetwork):
        def __init__(self) -> None:
            conv = nn.Conv2d(3, 4, 3, padding=1)
            super().__init__(3, nn.Identity(), nn.Identity(), conv, multiple=1)

    graph = lower(Single().eval(), nn.Identity(), 3)
    cost = MemoryModel(graph, (32, 16), bytes_per_number=4).step_cost((1,), 8)
    # The output, and a copy of the input in the layout channels_last.
    assert cost.peak == 4 * 8 * 16 * 4 + 3 * 10 * 16 * 4
