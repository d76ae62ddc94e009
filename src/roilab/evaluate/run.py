"""One evaluation: network, samples, tables and figures put together."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from rich.progress import Progress
from rich.table import Table

from roilab.atomic_write import write_csv, write_json
from roilab.console import table_console
from roilab.detectors import Readout
from roilab.evaluate.evaluator import Judge, Row
from roilab.evaluate.figures import save_figures
from roilab.evaluate.methods import Gauss, Method, dnn, ideal
from roilab.evaluate.sample import JudgedImage, read_sample
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.evaluate.working_point import best_threshold, scan_validation, validation_events
from roilab.inference.network import (
    Network,
    NetworkFile,
    NetworkRecipe,
    network_recipe,
    on_device,
    open_network,
)

log = logging.getLogger(__name__)

_CHOOSE = "choose"
_SHOWN = ("bias", "resolution", "inefficiency", "charge_profile", "roi_efficiency", "roi_purity")


def evaluate(config: DictConfig) -> None:
    """Judge a network (or only classical and ideal ROIs) on samples; write tables and figures.

    Args:
        config: composed from ``conf/evaluate.yaml``.

    Raises:
        RoilabError: (its subclasses too) anything the user can mend.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    physics: PhysicsSettings = instantiate(config.physics)
    file = open_network(plain["network"])
    data = data_config(plain.get("data"), file)
    recipe, validation = working_point(plain, file, data)
    detector = Readout.from_config(data)
    network = None
    if file.module is not None:
        network = Network(file.name, on_device(file.module, plain["device"]), recipe)
    methods = {
        "table": main_methods(physics, network, recipe),
        "scan": scan_methods(physics, network, plain["scan"]),
        "study": study_methods(physics, plain["study"]),
    }
    judge = Judge([m for part in methods.values() for m in part], physics, detector, network)
    images = list_judged(plain, detector, judge.tags)
    warn_foreign_planes(images, recipe)
    with Progress() as progress:
        task = progress.add_task("Judging", total=len(images))
        rows = judge(images, advance=lambda: progress.advance(task))
    tables = split_rows(rows, methods) | {"validation": validation}
    for path in plain["study"]["networks"]:
        tables["study"] += judged_network(plain, path, physics, images)
    output_dir = Path(plain["run_dir"])
    for name, part in tables.items():
        if part:
            write_csv(output_dir / f"{name}.csv", part)
    about = {"network": plain["network"], "metadata": file.metadata, "physics": plain["physics"]}
    about |= {"mask_thresh": recipe.mask_thresh, "seconds_per_image": _each(judge, len(images))}
    write_json(output_dir / "evaluation.json", {**about, **tables})
    save_figures(tables, recipe.mask_thresh, file.name, output_dir / "figures")
    report(tables["table"], judge, len(images), output_dir)


def data_config(named: dict[str, Any] | None, file: NetworkFile) -> Mapping[str, Any]:
    """The data config that was named, or else that of the checkpoint.

    Raises:
        EvaluationError: there is neither.
    """
    if named is None and not file.data:
        what = f"{file.path}: is no checkpoint" if file.path else "without a network"
        raise EvaluationError(
            f"{what}, so the detector is not known; name its data config, such as data=pdhd."
        )
    return named if named is not None else file.data


def working_point(
    plain: Mapping[str, Any], file: NetworkFile, data: Mapping[str, Any]
) -> tuple[NetworkRecipe, list[Row]]:
    """The network's recipe with the mask threshold to judge it at, and the validation's scan."""
    given = dict(plain["network_spec"])
    choose = given["mask_thresh"] == _CHOOSE and file.module is not None
    if choose:
        given["mask_thresh"] = None
    without = {**data, "mask_thresh": 0.5}  # a file that says nothing is taken as WCT's node does
    recipe = network_recipe(file, given, without)
    if not choose or file.module is None:
        return recipe, []
    if not data.get("dir"):
        raise EvaluationError(
            "network_spec.mask_thresh=choose needs validation events; give data.dir (and "
            "data.val_files) of cosmic events."
        )
    network = Network(file.name, on_device(file.module, plain["device"]), recipe)
    rows = scan_validation(network, validation_events(data, network), plain["scan"])
    chosen = best_threshold(rows, **plain["choose"])
    return network_recipe(file, {**given, "mask_thresh": chosen}, data), rows


def main_methods(
    physics: PhysicsSettings, network: Network | None, recipe: NetworkRecipe
) -> list[Method]:
    """The network, classical ROIs, and the ideal of the network's recipe."""
    own = ideal(physics, recipe.rebin, recipe.threshold, recipe.pad, recipe.pad_unit)
    methods: list[Method] = [Gauss(physics.gauss), own]
    if network is None:
        return methods
    return [dnn(physics, recipe), *methods]


def scan_methods(
    physics: PhysicsSettings, network: Network | None, thresholds: Sequence[float]
) -> list[Method]:
    """The network at every mask threshold."""
    if network is None:
        return []
    return [dnn(physics, network.recipe, mask_thresh=threshold) for threshold in thresholds]


def study_methods(physics: PhysicsSettings, study: Mapping[str, Sequence[Any]]) -> list[Method]:
    """Ideals of every combination of settings, each once."""
    names = ("rebin", "threshold", "pad", "pad_unit", "widen")
    combinations = product(*(study[name] for name in names))
    return list(dict.fromkeys(ideal(physics, *values) for values in combinations))


def judged_network(
    plain: Mapping[str, Any], path: str, physics: PhysicsSettings, images: Sequence[JudgedImage]
) -> list[Row]:
    """One of the study's networks, with the window as it is and grown by the network's padding."""
    file = open_network(path)
    data = data_config(plain.get("data"), file)
    recipe, _ = working_point(plain, file, data)
    assert file.module is not None
    network = Network(file.name, on_device(file.module, plain["device"]), recipe)
    methods = list(dict.fromkeys(dnn(physics, recipe, widen=widen) for widen in (False, True)))
    return Judge(methods, physics, Readout.from_config(data), network)(images)


def list_judged(
    plain: Mapping[str, Any], detector: Readout, tags: tuple[str, ...]
) -> list[JudgedImage]:
    """The images of all samples, of the planes that were asked for."""
    folders = [plain["sample"]] if isinstance(plain["sample"], str) else plain["sample"]
    planes = plain["planes"]
    images = [
        image for folder in folders for image in read_sample(Path(folder), detector, tags, planes)
    ]
    if not images:
        raise EvaluationError(f"planes={planes}: no event of the samples is on these; name others.")
    return images


def warn_foreign_planes(images: Sequence[JudgedImage], recipe: NetworkRecipe) -> None:
    """Say which planes the network does not know."""
    foreign = sorted({image.plane for image in images} - set(recipe.planes))
    if recipe.planes and foreign:
        log.warning(
            "the network was trained on plane %s, not on %s, on which it is judged too; choose "
            "planes=[%s] to leave that out.",
            ", ".join(recipe.planes),
            ", ".join(foreign),
            ",".join(recipe.planes),
        )


def split_rows(
    rows: Sequence[Row], methods: Mapping[str, Sequence[Method]]
) -> dict[str, list[Row]]:
    """Rows by what their methods are for: ``Judge`` gives them in the order of all methods."""
    names = [name for name, part in methods.items() for _ in part]
    tables: dict[str, list[Row]] = {name: [] for name in methods}
    for index, row in enumerate(rows):
        tables[names[index % len(names)]].append(row)
    return tables


def _each(judge: Judge, images: int) -> dict[str, float]:
    return {name: total / images for name, total in judge.seconds.items()}


def report(rows: Sequence[Row], judge: Judge, images: int, output_dir: Path) -> None:
    """Print the table and where everything is."""
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in _each(judge, images).items())
    table = Table(title=f"{images} images; each: {seconds}", title_justify="left")
    for name in ("plane", "theta_xz", "energy", "method"):
        table.add_column(name)
    for name in _SHOWN:
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        place = [row["plane"], f"{row['theta_xz']:g}"]
        place += ["" if row["energy"] is None else f"{row['energy']:g}", row["method"]]
        table.add_row(*place, *(_number(row, name) for name in _SHOWN))
    console = table_console()
    console.print(table)
    console.print(f"tables and figures in {output_dir}", soft_wrap=True, highlight=False)


def _number(row: Row, name: str) -> str:
    value, error = row[name], row.get(f"{name}_error")
    if math.isnan(value):
        return "-"
    if error is None:
        return f"{value:.3f}"
    return f"{value:.1f}" if math.isnan(error) else f"{value:.1f} +- {error:.1f}"
