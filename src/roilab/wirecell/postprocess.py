"""Postprocess: from the network's output to charge in ROIs.

Source: Wire-Cell Toolkit, pytorch/src/DNNROIFinding.cxx (operator(), eigen_to_traces) and
util/src/Array.cxx (upsample, mask, baseline_subtraction). Axis order here is (channel, tick); all
arithmetic is in float32 and in the order of the node, so results are equal bit for bit.
"""

import numpy as np

from roilab.types import Frame
from roilab.wirecell.settings import NodeSettings
from roilab.wirecell.step_callback import StepCallback, ignore_step


def mask_charge(decon_charge: Frame, probability: Frame, settings: NodeSettings) -> Frame:
    """Keep deconvolved charge where the ROI probability is above ``mask_thresh``; else 0.

    The charge [electrons/tick] is (channel, tick); the slices of the probability (channel, slice)
    cover at least its ticks.

    Returns:
        Shape (channel, slice * tick_per_slice); 0 after the last tick of the charge.
    """
    mask = probability > np.float32(settings.mask_thresh)
    n_channels, n_slices = mask.shape
    kept = np.zeros((n_channels, n_slices * settings.tick_per_slice), dtype=np.float32)
    n_ticks = decon_charge.shape[1]
    repeated = np.repeat(mask, settings.tick_per_slice, axis=1)[:, :n_ticks]
    np.copyto(kept[:, :n_ticks], decon_charge, where=repeated)
    return kept


def baseline_subtraction(charge: Frame) -> Frame:
    """Subtract from every run of non-zero samples the line through its first and last sample.

    Both ends of a run become 0. A run of one sample becomes 0, and so does a run that reaches the
    last tick. A zero inside a run splits it. The charge [electrons/tick] keeps its shape
    (channel, tick).
    """
    n_channels, n_ticks = charge.shape
    # A zero after every channel separates runs when all channels are joined to one array.
    line = np.zeros((n_channels, n_ticks + 1), dtype=np.float32)
    line[:, :n_ticks] = charge
    line = line.ravel()
    inside = np.zeros(len(line) + 1, dtype=bool)
    np.not_equal(line, 0, out=inside[1:])
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    starts, ends = edges[::2], edges[1::2] - 1
    closed = (ends > starts) & (ends % (n_ticks + 1) < n_ticks - 1)
    starts, ends = starts[closed], ends[closed]

    lengths = ends - starts + 1
    first_of_run = np.cumsum(lengths) - lengths
    step = np.arange(lengths.sum()) - np.repeat(first_of_run, lengths)
    samples = np.repeat(starts, lengths) + step
    first = line[starts]
    rise = np.repeat(line[ends] - first, lengths)
    width = np.repeat((ends - starts).astype(np.float32), lengths)
    baseline = step.astype(np.float32) * rise / width
    baseline += np.repeat(first, lengths)
    above = line[samples] - baseline
    line.fill(0)
    line[samples] = above
    return line.reshape(n_channels, n_ticks + 1)[:, :n_ticks]


def scale_and_crop(charge: Frame, n_ticks: int, settings: NodeSettings) -> Frame:
    """Apply output scale and offset, crop to the input's ticks, set negative values to 0.

    The charge [electrons/tick], (channel, tick) with the zero-filled ticks, is overwritten; the
    result has shape (channel, n_ticks). The setting ``save_negative_charge`` keeps negative values.
    """
    charge = charge[:, :n_ticks]
    charge *= np.float32(settings.output_scale)
    charge += np.float32(settings.output_offset)
    if not settings.save_negative_charge:
        np.maximum(charge, np.float32(0), out=charge)
    return charge


def roi_charge(
    decon_charge: Frame,
    probability: Frame,
    settings: NodeSettings,
    after_step: StepCallback = ignore_step,
) -> Frame:
    """Return the charge that the node writes for one plane: mask, baseline, scale, crop.

    Args:
        decon_charge: [electrons/tick], shape (channel, tick).
        probability: of a ROI, shape (channel, slice).
        settings: of the node.
        after_step: called after each step.

    Returns:
        Charge in ROIs [electrons/tick], shape (channel, tick).
    """
    charge = mask_charge(decon_charge, probability, settings)
    after_step("mask")
    charge = baseline_subtraction(charge)
    after_step("baseline")
    charge = scale_and_crop(charge, decon_charge.shape[1], settings)
    after_step("scale and crop")
    return charge
