"""A network in bands gives the numbers that it gives on the whole image."""

from collections.abc import Callable

import pytest
import torch
from building import build, image
from torch import nn

from roilab.models import RoiNetwork
from roilab.tiling import BandedNetwork, Costs, Graph, Plan, in_bands, lower, whole, within
from roilab.tiling.memory_model import Cost
from roilab.wirecell.torchscript import script

SWIN = (
    "model.net.encoder=swin_tiny_patch4_window7_224",
    "+model.net.encoder_options.strict_img_size=false",
)
UNET = ("model.net.encoder_widths=[4,8,8,8,8]", "model.net.decoder_widths=[8,8,4,4]")
NETWORKS = {
    "unet": UNET,
    "unet corners not aligned": (*UNET, "model.net.align_corners=false"),
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
PLANS: dict[str, Callable[[Costs], Plan]] = {
    "whole": whole,
    "full size in bands of 16": lambda costs: in_bands(costs, 1, 16),
    "two levels in bands of 21": lambda costs: in_bands(costs, 2, 21),
    "a quarter of the memory": lambda costs: within(costs, whole(costs).peak // 4),
}


def network(name: str) -> RoiNetwork:
    """With batch norms that have seen images, so that features are neither tiny nor huge."""
    net = build(name.split(maxsplit=1)[0], "data.dir=d", *NETWORKS[name])
    with torch.no_grad():
        for seed in range(8):
            net.train()(image(64, 96, batch=2, seed=seed))
    return net.eval()


@pytest.mark.parametrize("name", NETWORKS)
def test_same_answer_in_bands(name: str) -> None:
    net = network(name)
    graph = lower(net, nn.Identity())
    for size in ((96, 160), (75, 131), (130, 50)):
        x = image(*size)
        with torch.no_grad():
            expected = net(x)
            tolerance = 1e-4 * float(expected.std())  # of logits that vary as these do
            assert tolerance > 0
            for kind, plan_for in PLANS.items():
                plan = plan_for(Costs(graph, size, item=4))
                banded: nn.Module = BandedNetwork(graph, plan.steps, size[1])
                if size == (75, 131) and kind.startswith("a quarter"):
                    banded = script(banded)
                got = banded(x)[:, :, : size[0], : size[1]]
                torch.testing.assert_close(got, expected, atol=tolerance, rtol=0)


def test_one_image_size_planned_another_run() -> None:
    net = network("unet")
    graph = lower(net, nn.Identity())
    costs = Costs(graph, (96, 160), item=4)
    banded = BandedNetwork(graph, within(costs, whole(costs).peak // 4).steps, 160)
    for size in ((32, 32), (96, 500), (200, 40)):
        with torch.no_grad():
            torch.testing.assert_close(banded(image(*size)), net(image(*size)), atol=1e-5, rtol=0)


@pytest.mark.parametrize("part", [2, 3])
def test_a_bound_bounds_what_the_plan_holds(part: int) -> None:
    graph = lower(network("unet"), nn.Identity())
    costs = Costs(graph, (256, 320), item=4)
    plan = within(costs, whole(costs).peak // part)
    assert plan.peak <= whole(costs).peak // part
    assert plan.seconds < 3 * whole(costs).seconds


def test_what_runs_whole_sets_the_least_memory() -> None:
    graph = lower(network("mobilenetv3"), nn.Identity())
    costs = Costs(graph, (256, 320), item=4)
    assert costs.region > 0
    assert within(costs, 1).peak >= costs.region


def test_the_encoder_that_cannot_be_traced_is_one_piece() -> None:
    graph: Graph = lower(network("timm swin"), nn.Identity())
    assert graph.region is not None
    assert graph.region_inputs == [1]  # the image, filled up to a multiple
    assert len(graph.region_outputs) == 4


def test_costs_of_one_convolution_are_its_tensors() -> None:
    """By hand: 4 features of 8 x 16 from 3 of 10 x 16, in float32."""

    class Single(RoiNetwork):
        def __init__(self) -> None:
            conv = nn.Conv2d(3, 4, 3, padding=1)
            super().__init__(3, nn.Identity(), nn.Identity(), conv, multiple=1)

    graph = lower(Single().eval(), nn.Identity())
    cost: Cost = Costs(graph, (32, 16), item=4).step((1,), 8)
    assert cost.peak == 4 * 8 * 16 * 4 + 3 * 10 * 16 * 4  # the image is put layers last
