"""The node DNNROIFinding from input frames to output traces.

Source: Wire-Cell Toolkit, pytorch/src/DNNROIFinding.cxx (operator()).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from roilab.types import Frame
from roilab.wirecell.forward import forward_in_chunks
from roilab.wirecell.postprocess import roi_charge
from roilab.wirecell.preprocess import downsample, place, stack_layers
from roilab.wirecell.settings import NodeSettings
from roilab.wirecell.step_callback import StepCallback, ignore_step


@dataclass(frozen=True)
class Node:
    """DNNROIFinding for one plane.

    As in WCT, averaged layers, network input, network output and deconvolved charge stay in memory
    until the frame is finished, so that memory can be measured step by step.
    """

    layers: tuple[str, ...]  # input tags, in the network's order
    decon_charge: str  # tag of the charge that is kept in ROIs
    # Maps the image (1, layer, channel, slice) to the probability (1, 1, channel, slice).
    network: Callable[[torch.Tensor], torch.Tensor]
    settings: NodeSettings

    def __call__(
        self, frame: Mapping[str, Frame], after_step: StepCallback = ignore_step
    ) -> list[Frame]:
        """Return the traces of all channels: charge in ROIs [electrons/tick], each (tick,).

        Args:
            frame: charge [electrons/tick] by tag, each (channel, tick).
            after_step: called after each step with number (1: every tag, 2: stack, 3: every chunk,
                4: deconvolved charge, 5: mask to frame) and name.
        """
        settings = self.settings
        layers = [
            downsample(frame[tag], settings, _with_prefix(after_step, f"1 {tag}: "))
            for tag in self.layers
        ]
        image = stack_layers(layers)
        after_step("2 stack")
        probability = forward_in_chunks(
            self.network, image, settings.nchunks, _with_prefix(after_step, "3 ")
        )
        n_ticks = frame[self.decon_charge].shape[1]
        decon_charge = place(frame[self.decon_charge], settings)[:, :n_ticks]
        after_step("4 decon charge: traces to array")
        charge = roi_charge(decon_charge, probability, settings, _with_prefix(after_step, "5 "))
        traces = [channel.copy() for channel in charge]
        after_step("5 traces")
        return traces


def _with_prefix(after_step: StepCallback, prefix: str) -> StepCallback:
    return lambda step: after_step(prefix + step)
