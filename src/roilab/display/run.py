"""Run one display command: read files and networks, draw every picture of every event."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.atomic_write import save_figure
from roilab.building import build
from roilab.detectors.readout import Readout
from roilab.display.event_view import COMPUTED, EventView
from roilab.display.page import write_page
from roilab.display.pictures import pictures
from roilab.display.predictions import make_networks, predict, truth_rois
from roilab.display.settings import DisplayError, DisplaySettings
from roilab.evaluate.run import data_config
from roilab.evaluate.settings import PhysicsSettings
from roilab.frames import FrameFile, truth_beside
from roilab.inference import Network, PlaneReader, network_spec, open_network

log = logging.getLogger(__name__)


def display(config: DictConfig) -> None:
    """Draw the events that the user named.

    Args:
        config: composed from ``conf/display.yaml``.

    Raises:
        RoilabError: (its subclasses too) an error of the user.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    settings: DisplaySettings = build("display", config.display)
    physics: PhysicsSettings = build("physics", config.physics)
    files = [open_network(path, plain["trust"]) for path in network_paths(plain["network"])]
    first = files[0] if files else open_network(None)
    data, given = data_config(plain, first), plain["network_spec"]
    networks = make_networks(files, plain["names"], given, data, physics, plain["device"])
    spec = networks[0].spec if networks else network_spec(first, given, data)
    plane = plain["plane"] or data["planes"][0]
    apa = None if plain["apa"] is None else str(plain["apa"])
    _warn_foreign_plane(networks, plane)
    tags = _needed(settings, physics, networks)
    with PlaneReader(Path(plain["rec"]), _truth_file(plain), Readout.from_config(data)) as reader:
        for number in choose_events(reader.rec, plain["event"], plain["max_events"]):
            event = reader.read(number, apa, plane, tags)
            predictions = predict(networks, plain["mask_thresh"], event)
            rois = truth_rois(event, spec, physics)
            inputs = networks[0].spec.layers if networks else ()
            view = EventView(event, predictions, rois, physics, settings, inputs)
            write(view, Path(plain["run_dir"]))


def network_paths(network: str | Sequence[str] | None) -> list[str]:
    """Return the paths of the key ``network``: none, one or a list."""
    return [network] if isinstance(network, str) else list(network or ())


def choose_events(
    frames: FrameFile, asked: int | str | Sequence[int] | None, most: int
) -> list[int]:
    """Return event ids: the first (``None``), all, or those that the user named.

    Raises:
        DisplayError: there is no such event, or there are more than ``most``.
    """
    events = list(frames.events)
    if not events:
        raise DisplayError(f"{frames.path}: holds no event; name another file.")
    if asked is None:
        return events[:1]
    if isinstance(asked, str) and asked != "all":
        raise DisplayError(f"event={asked}; expected a number, a list of numbers, or all.")
    named = events if isinstance(asked, str) else [asked] if isinstance(asked, int) else asked
    unknown = [event for event in named if event not in events]
    if unknown:
        raise DisplayError(
            f"{frames.path}: there is no event {_few(unknown)}; it holds {_few(events)}. "
            "Name one of these."
        )
    if len(named) > most:
        raise DisplayError(
            f"event: {len(named)} events at once, with pictures of each; at most "
            f"max_events={most}. Name fewer (event=[{named[0]},{named[1]}]), or raise "
            "max_events."
        )
    return list(named)


def _few(events: Sequence[int]) -> str:
    if len(events) <= 8:
        return ", ".join(map(str, events))
    return f"{', '.join(map(str, events[:4]))}, ..., {events[-1]} ({len(events)} events)"


def write(view: EventView, folder: Path) -> list[Path]:
    """Write every picture and page of one event and return their paths."""
    settings, paths = view.settings, []
    _log_region(view)
    for name, cut in view.cuts.items():
        log.info("%s: a cut at %g e/tick %s", name, settings.charge_cut, cut.sentence)
    for name, draw in pictures(view).items():
        figure = draw()
        for ending in settings.formats:
            path = folder / f"{view.event.stem}-{name}.{ending}"
            save_figure(path, figure, format=ending, dpi=settings.dpi)
            figure.set_layout_engine("none")  # the same places in all formats, found once
            paths.append(path)
    if settings.html:
        path = folder / f"{view.event.stem}.html"
        write_page(view, path)
        paths.append(path)
    for path in paths:
        log.info("wrote %s", path)
    return paths


def _log_region(view: EventView) -> None:
    title, settings = view.event.title, view.settings
    if view.zoom is not None:
        log.info("%s: %s; display.zoom=full shows all.", title, view.zoom.sentence)
    elif settings.zoom == "signal" and not (settings.channels and settings.ticks):
        log.info("%s: no signal found to zoom to, so all is shown.", title)


def _truth_file(plain: Mapping[str, Any]) -> Path | None:
    if plain["tru"] is None:
        return None
    if plain["tru"] != "auto":
        return Path(plain["tru"])
    rec = Path(plain["rec"])
    beside = truth_beside(rec)
    if beside is None:
        log.info("%s: no truth file beside it; name one with tru=FILE.", rec)
    return beside


def _needed(
    settings: DisplaySettings, physics: PhysicsSettings, networks: Sequence[Network]
) -> list[str] | None:
    """Return the tags to read; ``None`` for all."""
    drawn = settings.pictures
    if settings.panels is None and (drawn is None or "display" in drawn or settings.html):
        return None
    tags = [tag for tag in settings.panels or () if tag not in COMPUTED]
    tags += [tag for network in networks for tag in network.spec.layers]
    if drawn is None or {"waveforms", "evolution"} & set(drawn):
        tags += settings.chain
    return list(dict.fromkeys([*tags, physics.decon_charge, physics.gauss]))


def _warn_foreign_plane(networks: Sequence[Network], plane: str) -> None:
    for network in networks:
        if network.spec.planes and plane not in network.spec.planes:
            log.warning(
                "%s was trained on plane %s and is applied to %s.",
                network.name,
                ", ".join(network.spec.planes),
                plane,
            )
