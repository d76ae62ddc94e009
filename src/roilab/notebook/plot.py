"""A figure of one plane and the ROIs found in it."""

from collections.abc import Sequence
from typing import Any

from hydra.utils import instantiate
from matplotlib.figure import Figure

from roilab.display.event_view import EventView
from roilab.display.pictures import event_display
from roilab.display.predictions import Prediction
from roilab.display.settings import DisplaySettings
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference import NetworkRois
from roilab.notebook.compose import compose, plain
from roilab.notebook.errors import ApiError, expected_names
from roilab.planes import Plane

_RESULTS = ("probability", "mask", "dnn")


def plot(
    plane: Plane, roi: NetworkRois | None = None, *, tags: Sequence[str] | None = None, **look: Any
) -> Figure:
    """Draw a plane, channel id against tick: layers, truth, ROI probability, mask, and charge.

    Args:
        plane: frames (channel, tick); with truth, the mask is compared with it.
        roi: of this plane; ``None`` to draw only the frames.
        tags: of the plane, without APA number; ``None`` for the layers of ``conf/data``, the
            deconvolved charge and the charge of classical ROIs, where the plane has them.
        **look: keys of ``display`` in ``conf/display.yaml``, such as ``zoom="full"``,
            ``channels=[2600, 2700]``, ``ticks=[1000, 2000]`` (half-open ranges), ``axis="us"``,
            ``scale="symlog"``.

    Returns:
        The figure; a notebook shows it.

    Raises:
        RoilabError: (its subclasses) ``roi`` belongs to another plane, or the plane does not have
            the range that was named.
    """
    if roi is not None and roi.location != plane.location:
        raise ApiError(
            f"The ROIs are of {roi.location.title}, the plane is {plane.title}; give both of one "
            "plane."
        )
    config = compose("display", ["data=base", "data.dir=.", "detector=pdhd", "rec=."])
    display = plain(config.display)
    for key in look:
        if key not in display:
            raise ApiError(f"plot has no argument '{key}'; {expected_names(key, display)}")
    physics: PhysicsSettings = instantiate(plain(config.physics))
    if tags is None:
        layers = plain(config.data)["layers"]
        wanted = [*layers, physics.decon_charge, physics.gauss]
        tags = [tag for tag in wanted if tag in plane.tags] or list(plane.tags)
    truth = () if plane.truth is None else ("truth",)
    display["panels"] = [*tags, *truth, *(() if roi is None else _RESULTS)]
    settings: DisplaySettings = instantiate({**display, **look})
    found = [] if roi is None else [_prediction(roi)]
    return event_display(EventView(plane, found, None, physics, settings))


def _prediction(roi: NetworkRois) -> Prediction:
    name, threshold = "the network", roi.node.mask_thresh
    return Prediction(name, name, threshold, roi.probability_in_ticks(), roi.mask, roi.charge)
