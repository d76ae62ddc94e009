"""Joining of features: gradients as of torch.cat, in memory that the next step reads fast."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from roilab.models.blocks import DoubleConv, UpStage
from roilab.models.joining import join_in_training

FORMATS = (torch.channels_last, torch.contiguous_format)


def features(number: int, memory_format: torch.memory_format) -> torch.Tensor:
    generator = torch.Generator().manual_seed(number)
    drawn = torch.randn(2, number, 6, 8, generator=generator)
    return drawn.contiguous(memory_format=memory_format).requires_grad_()


@pytest.mark.parametrize("memory_format", FORMATS)
def test_result_and_gradients_are_those_of_concatenation(
    memory_format: torch.memory_format,
) -> None:
    parts = [features(number, memory_format) for number in (3, 5, 1)]
    weights = torch.randn(2, 9, 6, 8)
    joined, expected = join_in_training(parts), torch.cat(parts, dim=1)
    assert torch.equal(joined, expected)
    got = torch.autograd.grad((joined * weights).sum(), parts)
    assert all(map(torch.equal, got, torch.autograd.grad((expected * weights).sum(), parts)))


@pytest.mark.parametrize("memory_format", FORMATS)
def test_gradients_of_features_last_have_no_gaps_in_memory(
    memory_format: torch.memory_format,
) -> None:
    seen: list[torch.Tensor] = []
    parts = [features(number, memory_format) for number in (3, 5)]
    parts = [part * 1 for part in parts]  # a leaf would be given a copy
    for part in parts:
        part.register_hook(seen.append)  # type: ignore[no-untyped-call]
    joined = join_in_training(parts)
    weights = torch.randn(2, 8, 6, 8).contiguous(memory_format=memory_format)
    (joined * weights).sum().backward()
    last = [gradient.is_contiguous(memory_format=torch.channels_last) for gradient in seen]
    assert last == [memory_format == torch.channels_last] * 2


def test_a_stage_of_the_decoder_has_the_same_gradients_as_written_out() -> None:
    torch.manual_seed(1)
    stage = UpStage(DoubleConv(8, 4), align_corners=True).train()
    coarse = torch.randn(2, 5, 3, 4).contiguous(memory_format=torch.channels_last)
    skip = features(3, torch.channels_last)
    inputs: list[Any] = [coarse.requires_grad_(), skip, *stage.parameters()]
    got = torch.autograd.grad(stage(coarse, [skip]).square().sum(), inputs)
    up = functional.interpolate(coarse, scale_factor=2.0, mode="bilinear", align_corners=True)
    written = stage.conv(torch.cat([skip, up], dim=1))
    for one, other in zip(got, torch.autograd.grad(written.square().sum(), inputs), strict=True):
        torch.testing.assert_close(one, other)
