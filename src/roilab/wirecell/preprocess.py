"""Preprocess: from frames to the network's input.

Source: Wire-Cell Toolkit, pytorch/src/DNNROIFinding.cxx (operator()) and util/src/Array.cxx
(downsample). Axis order here is (layer, channel, tick).
"""

from collections.abc import Sequence

import numpy as np
import torch

from roilab.types import Frame
from roilab.wirecell.settings import NodeSettings
from roilab.wirecell.step_callback import StepCallback, ignore_step

_CACHED_CHANNELS = 32  # so many of 6000 ticks fit into the processor's cache


def model_ticks(n_ticks: int, pad_multiple: int) -> int:
    """Return the number of ticks of the network's input: ``n_ticks`` rounded up."""
    return -(-n_ticks // pad_multiple) * pad_multiple


def place(frame: Frame, settings: NodeSettings) -> Frame:
    """Copy a frame [electrons/tick] to the ticks of the network's input; added ticks are 0.

    Both are (channel, tick); the result is float32.
    """
    n_channels, n_ticks = frame.shape
    array = np.zeros((n_channels, model_ticks(n_ticks, settings.pad_multiple)), dtype=np.float32)
    array[:, :n_ticks] = frame
    return array


def downsample(
    frame: Frame, settings: NodeSettings, after_step: StepCallback = ignore_step
) -> Frame:
    """Return one layer of the network's input: scaled, then averaged over the ticks of a slice.

    Scale and offset come first, also on ticks that are filled with zeros. The mean is a float32
    sum in the order of ticks, then divided, as in the node.

    Args:
        frame: charge of one input tag [electrons/tick], shape (channel, tick).
        settings: of the node.
        after_step: called after each step.

    Returns:
        Shape (channel, slice), float32.
    """
    scaled = place(frame, settings)
    after_step("traces to array")
    scaled *= np.float32(settings.input_scale)
    if settings.input_offset != 0:  # the sum below begins at +0, so that adding 0 changes no bit
        scaled += np.float32(settings.input_offset)
    after_step("scale")
    ticks = scaled.reshape(len(scaled), -1, settings.tick_per_slice)
    total = np.zeros(ticks.shape[:2], dtype=np.float32)
    for first in range(0, len(ticks), _CACHED_CHANNELS):
        block = slice(first, first + _CACHED_CHANNELS)
        for tick in range(settings.tick_per_slice):  # numpy.sum adds in another order
            total[block] += ticks[block, :, tick]
    total /= np.float32(settings.tick_per_slice)
    after_step("downsample")
    return total


def stack_layers(layers: Sequence[Frame]) -> torch.Tensor:
    """Stack layers (channel, slice) to a contiguous batch of one (1, layer, channel, slice)."""
    return torch.from_numpy(np.stack(layers))[None]


def model_input(layers: Sequence[Frame], settings: NodeSettings) -> torch.Tensor:
    """Return the network's input (1, layer, channel, slice) from the charge of every input tag.

    Layers are [electrons/tick], each (channel, tick); the input is float32 and contiguous.
    """
    return stack_layers([downsample(layer, settings) for layer in layers])
