"""Run one evaluation: read network and samples, write tables and figures."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.progress import Progress
from rich.table import Table

from roilab.atomic_write import write_csv, write_json
from roilab.building import build
from roilab.console import number_with_errors, print_verdict, table_console
from roilab.detectors.readout import Readout
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.figures import save_figures
from roilab.evaluate.methods import Gauss, Method, dnn, ideal
from roilab.evaluate.sample import SampleImage, read_sample
from roilab.evaluate.settings import EvaluationError, PhysicsSettings
from roilab.evaluate.working_point import working_point
from roilab.freed_memory import reuse_freed_memory
from roilab.inference import Network, NetworkFile, NetworkSpec, open_network
from roilab.quick_imports import quick_imports
from roilab.threads import set_threads
from roilab.types import Row
from roilab.verdict import Verdict, compare_with_gauss

log = logging.getLogger(__name__)
_SHOWN = ("bias", "resolution", "inefficiency", "charge_profile", "roi_efficiency", "roi_purity")


@dataclass(frozen=True)
class Results:
    """Results of an evaluation.

    Attributes:
        rows: of all methods, planes, angles and energies.
        figures: files.
        verdict: on the network; ``None`` without one.
        spec: of the network, or of the ideal ROIs.
        network: name; empty without a network.
    """

    rows: Sequence[Row]
    figures: Sequence[Path]
    verdict: Verdict | None
    spec: NetworkSpec
    network: str


def evaluate(config: DictConfig) -> None:
    """Evaluate a network (or only classical and ideal ROIs) on samples; write tables and figures.

    Args:
        config: composed from ``conf/evaluate.yaml``.

    Raises:
        RoilabError: (its subclasses too) an error of the user.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    physics: PhysicsSettings = build("physics", config.physics)
    if not plain["logger"]:
        _evaluate(plain, physics)
        return
    with quick_imports():  # Lightning takes seconds
        from roilab.evaluate.loggers import open_loggers
    # Made first: a logger that cannot be used ends the evaluation before it begins.
    with open_loggers(plain) as log_results:
        log_results(_evaluate(plain, physics))


def _evaluate(plain: Mapping[str, Any], physics: PhysicsSettings) -> Results:
    """Evaluate, write, draw and print."""
    set_threads(None)
    reuse_freed_memory()
    file = open_network(plain["network"], plain["trust"])
    data = data_config(plain, file)
    spec, validation = working_point(plain, file, data)
    network = None if file.module is None else file.network(spec, physics, plain["device"])
    methods = {
        "table": main_methods(physics, network, spec),
        "scan": scan_methods(physics, network, plain["scan"]),
        "study": study_methods(physics, plain["study"]),
    }
    readout = Readout.from_config(data)
    all_methods = [method for part in methods.values() for method in part]
    evaluator = Evaluator(all_methods, physics, readout, network)
    images = list_sample_images(plain, readout, evaluator.tags)
    warn_foreign_planes(images, spec)
    with Progress() as progress:
        task = progress.add_task("Evaluating", total=len(images))
        groups = evaluator(images, advance=lambda: progress.advance(task))
    tables = split_tables(groups, methods) | {"validation": validation}
    for path in plain["study"]["network"]:
        tables["study"] += study_network(plain, path, physics, images)
    output_dir = Path(plain["run_dir"])
    seconds = {name: total / len(images) for name, total in evaluator.seconds.items()}
    about = {"network": plain["network"], "metadata": file.metadata, "physics": plain["physics"]}
    about |= {"mask_thresh": spec.mask_thresh, "seconds_per_image": seconds}
    verdict = None if network is None else compare_with_gauss(tables["table"])
    about |= {"verdict": None if verdict is None else verdict.plain()}
    write(output_dir, about, tables)
    figures = save_figures(tables, spec.mask_thresh, file.name, output_dir / "figures")
    report(tables["table"], seconds, len(images), output_dir, verdict)
    return Results(tables["table"], figures, verdict, spec, "" if network is None else file.name)


def write(output_dir: Path, about: Mapping[str, Any], tables: Mapping[str, Sequence[Row]]) -> None:
    """Write every table that has rows as CSV, and all of them into one JSON file."""
    for name, rows in tables.items():
        if rows:
            write_csv(output_dir / f"{name}.csv", rows)
    write_json(output_dir / "evaluation.json", {**about, **tables})


def data_config(plain: Mapping[str, Any], file: NetworkFile) -> Mapping[str, Any]:
    """Return the data config that the user chose, or else that of the checkpoint.

    Args:
        plain: the command's configuration; its ``detector`` replaces that of the checkpoint.
        file: the network.

    Raises:
        EvaluationError: there is neither.
    """
    if plain.get("data") is not None:
        chosen: Mapping[str, Any] = plain["data"]
        return chosen
    if not file.data:
        what = f"{file.path}: is no checkpoint" if file.path else "without a network"
        raise EvaluationError(
            f"{what}, so the data config is not known; choose one, such as data=pdhd, or data=base "
            "with a detector."
        )
    return {**file.data, "detector": plain.get("detector") or file.data["detector"]}


def main_methods(
    physics: PhysicsSettings, network: Network | None, spec: NetworkSpec
) -> list[Method]:
    """Return the network, classical ROIs, and the ideal of the network's truth mask."""
    perfect = ideal(physics, spec.rebin, spec.threshold, spec.pad, spec.pad_unit)
    methods: list[Method] = [Gauss(physics.gauss), perfect]
    return methods if network is None else [dnn(physics, spec), *methods]


def scan_methods(
    physics: PhysicsSettings, network: Network | None, thresholds: Sequence[float]
) -> list[Method]:
    """Return the network at every mask threshold."""
    if network is None:
        return []
    return [dnn(physics, network.spec, mask_thresh=threshold) for threshold in thresholds]


def study_methods(physics: PhysicsSettings, study: Mapping[str, Sequence[Any]]) -> list[Method]:
    """Return the ideals of all combinations of settings, each once."""
    names = ("rebin", "threshold", "pad", "pad_unit", "widen")
    combinations = product(*(study[name] for name in names))
    return list(dict.fromkeys(ideal(physics, *values) for values in combinations))


def study_network(
    plain: Mapping[str, Any], path: str, physics: PhysicsSettings, images: Sequence[SampleImage]
) -> list[Row]:
    """Evaluate one network of the study, with the window as it is and grown by its padding."""
    file = open_network(path, plain["trust"])
    data = data_config(plain, file)
    spec, _ = working_point(plain, file, data)
    network = file.network(spec, physics, plain["device"])
    methods = list(dict.fromkeys(dnn(physics, spec, widen=widen) for widen in (False, True)))
    evaluator = Evaluator(methods, physics, Readout.from_config(data), network)
    return [row for rows in evaluator(images) for row in rows]


def list_sample_images(
    plain: Mapping[str, Any], readout: Readout, tags: tuple[str, ...]
) -> list[SampleImage]:
    """List the images of all samples, of the planes that the user named."""
    folders = [plain["sample"]] if isinstance(plain["sample"], str) else plain["sample"]
    planes = plain["planes"]
    images = [
        image for folder in folders for image in read_sample(Path(folder), readout, tags, planes)
    ]
    if not images:
        raise EvaluationError(f"planes={planes}: no event of the samples is on these; name others.")
    return images


def warn_foreign_planes(images: Sequence[SampleImage], spec: NetworkSpec) -> None:
    """Warn of planes that the network was not trained on."""
    foreign = sorted({image.plane for image in images} - set(spec.planes))
    if spec.planes and foreign:
        log.warning(
            "the network was trained on plane %s, not on %s, which the sample has too; choose "
            "planes=[%s] to leave that out.",
            ", ".join(spec.planes),
            ", ".join(foreign),
            ",".join(spec.planes),
        )


def split_tables(
    groups: Sequence[Sequence[Row]], methods: Mapping[str, Sequence[Method]]
) -> dict[str, list[Row]]:
    """Split the rows of every group, one per method, into the tables of the methods."""
    tables: dict[str, list[Row]] = {}
    begin = 0
    for name, part in methods.items():
        end = begin + len(part)
        tables[name] = [row for rows in groups for row in rows[begin:end]]
        begin = end
    return tables


def report(
    rows: Sequence[Row],
    seconds: Mapping[str, float],
    images: int,
    output_dir: Path,
    verdict: Verdict | None,
) -> None:
    """Print the table, the verdict on a network, and where tables and figures are."""
    each = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    table = Table(title=f"{images} images; each: {each}", title_justify="left")
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
    if verdict is not None:
        print_verdict(console, str(verdict), verdict.colour)
    console.print(f"tables and figures in {output_dir}", soft_wrap=True, highlight=False)


def _number(row: Row, name: str) -> str:
    value = row[name]
    if math.isnan(value):
        return "-"
    if f"{name}_low" not in row:
        return f"{value:.3f}"
    return number_with_errors(value, row[f"{name}_low"], row[f"{name}_high"])
