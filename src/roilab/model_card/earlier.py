"""The earlier trainings of a network that began with the weights of another one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from roilab.errors import RoilabError
from roilab.inference import read_network
from roilab.model_card.frames import describe_frames
from roilab.run_folder import run_of, status_contents, training_name

EARLIER = "roilab_earlier_trainings"  # key of a checkpoint


def trainings_behind(weights: Path) -> list[dict[str, Any]]:
    """Return the trainings that led to the weights of a file, the first one first.

    Args:
        weights: a checkpoint, a stored network, or a file of another program, of which only the
            name is known.

    Returns:
        Of each training ``weights`` (folder of the run, or name of the file), ``data`` (number of
        events and images) and ``frames`` (where they come from, see ``describe_frames``).
    """
    try:
        content = read_network(weights)
    except RoilabError:
        return [{"weights": weights.name, "data": {}, "frames": []}]
    if "training" in content:
        training, name = content["training"], weights.stem
        data, frames = training.get("data") or {}, list(training.get("frames") or ())
        earlier = training.get("earlier") or ()
    else:
        run_dir, name = run_of(weights), training_name(weights)
        results = {} if run_dir is None else status_contents(run_dir).get("results") or {}
        data = results.get("data") or {}
        frames, earlier = describe_frames(content["roilab_recipe"]["data"]), content.get(EARLIER)
    return [*(earlier or ()), {"weights": name, "data": dict(data), "frames": frames}]


def describe_earlier(training: Mapping[str, Any]) -> str:
    """Return an earlier training in words: ``uv: 112 training events, mixture of ...``."""
    events = (training.get("data", {}).get("train") or {}).get("events")
    count = "training events not known" if events is None else f"{events:,} training events"
    return f"{training.get('weights')}: {', '.join([count, *training.get('frames', ())])}"
