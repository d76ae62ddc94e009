"""One command: files and networks opened, every picture of every event drawn and written."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from roilab.atomic_write import save_figure
from roilab.detectors import Readout
from roilab.display.event import EventReader
from roilab.display.event_view import COMPUTED, Scene
from roilab.display.page import write_page
from roilab.display.pictures import pictures
from roilab.display.predictions import find, make_networks, true_rois
from roilab.display.settings import DisplaySettings
from roilab.evaluate.run import data_config
from roilab.evaluate.settings import PhysicsSettings
from roilab.inference.network import Network, NetworkRecipe, network_recipe, open_network

log = logging.getLogger(__name__)


def display(config: DictConfig) -> None:
    """Draw the events that were asked for.

    Args:
        config: composed from ``conf/display.yaml``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    settings: DisplaySettings = instantiate(config.display)
    physics: PhysicsSettings = instantiate(config.physics)
    paths = plain["networks"] or [None]
    files = [open_network(path) for path in paths]
    data = data_config(plain.get("data"), files[0])
    given = plain["network_spec"]
    named = [file for file in files if file.module is not None]
    networks = make_networks(named, plain["names"], given, data, plain["device"])
    recipe = networks[0].recipe if networks else _recipe_without(files[0], given, data)
    plane = plain["plane"] or data["planes"][0]
    _warn_foreign_plane(networks, plane)
    with EventReader(_rec(plain), _truth_file(plain), Readout.from_config(data)) as reader:
        for event_id in reader.choose(plain["event"], plain["max_events"]):
            tags = _needed(settings, physics, networks)
            apa = None if plain["apa"] is None else str(plain["apa"])
            event = reader.read(event_id, apa, plane, tags)
            findings = find(networks, plain["mask_thresh"], event, physics)
            true = true_rois(event, recipe, physics)
            scene = Scene(event, findings, true, physics, settings)
            write(scene, Path(plain["run_dir"]))


def write(scene: Scene, folder: Path) -> list[Path]:
    """Every picture and page of one event, each written whole or not at all.

    Returns:
        The files.
    """
    settings, paths = scene.settings, []
    for name, cut in scene.cuts.items():
        log.info("%s: a cut at %g e/tick %s", name, settings.charge_cut, cut.sentence)
    for name, draw in pictures(scene).items():
        figure = draw()
        for ending in settings.formats:
            path = folder / f"{scene.event.stem}-{name}.{ending}"
            save_figure(path, figure, format=ending, dpi=settings.dpi)
            paths.append(path)
    if settings.html:
        path = folder / f"{scene.event.stem}.html"
        write_page(scene, path)
        paths.append(path)
    for path in paths:
        log.info("wrote %s", path)
    return paths


def _rec(plain: Mapping[str, Any]) -> Path:
    return Path(plain["rec"])


def _truth_file(plain: Mapping[str, Any]) -> Path | None:
    if plain["tru"] is None:
        return None
    if plain["tru"] != "auto":
        return Path(plain["tru"])
    rec = Path(plain["rec"])
    beside = rec.with_name(rec.name.replace("rec", "tru", 1))
    if beside != rec and beside.is_file():
        return beside
    log.info("%s: no truth file beside it; name one with tru=FILE.", rec)
    return None


def _recipe_without(file: Any, given: Mapping[str, Any], data: Mapping[str, Any]) -> NetworkRecipe:
    """The recipe of the truth ROIs where there is no network."""
    return network_recipe(file, given, {**data, "mask_thresh": 0.5})


def _needed(
    settings: DisplaySettings, physics: PhysicsSettings, networks: Sequence[Network]
) -> list[str] | None:
    """Tags to read; ``None`` for all, where all are drawn."""
    drawn = settings.pictures
    if settings.panels is None and (drawn is None or "display" in drawn or settings.html):
        return None
    tags = [tag for tag in settings.panels or () if tag not in COMPUTED]
    tags += [tag for network in networks for tag in network.recipe.layers]
    if drawn is None or {"waveforms", "evolution"} & set(drawn):
        tags += settings.chain
    return list(dict.fromkeys([*tags, physics.decon_charge, physics.gauss]))


def _warn_foreign_plane(networks: Sequence[Network], plane: str) -> None:
    for network in networks:
        if network.recipe.planes and plane not in network.recipe.planes:
            log.warning(
                "%s was trained on plane %s, and is shown on %s.",
                network.name,
                ", ".join(network.recipe.planes),
                plane,
            )
