"""Simulate the variations, evaluate networks on each, and write one table and one figure."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from roilab.atomic_write import save_figure, write_csv, write_json
from roilab.building import build
from roilab.console import number_or_dash, table_console
from roilab.detectors.readout import Readout
from roilab.errors import RoilabError
from roilab.evaluate.evaluator import Evaluator
from roilab.evaluate.methods import Gauss, dnn
from roilab.evaluate.run import data_config
from roilab.evaluate.sample import read_sample
from roilab.evaluate.settings import PhysicsSettings
from roilab.freed_memory import reuse_freed_memory
from roilab.inference import network_spec, open_network
from roilab.plots import change_figure
from roilab.robustness.changes import NOMINAL, changes, steadier
from roilab.simulate import make_sample
from roilab.threads import set_threads
from roilab.types import Row
from roilab.verdict.rule import CLASSICAL

log = logging.getLogger(__name__)


class RobustnessError(RoilabError):
    """The variations or networks that were named cannot be compared."""


def judge_robustness(config: DictConfig) -> None:
    """Compare networks and classical ROIs on variations of the simulated detector.

    Args:
        config: composed from ``conf/robustness.yaml``.

    Raises:
        RoilabError: (its subclasses too) an error of the user.
    """
    plain: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    physics: PhysicsSettings = build("physics", config.physics)
    set_threads(None)
    reuse_freed_memory()
    judges = _judges(plain, physics)
    samples = _samples(plain, physics, judges)
    folder = Path(plain["run_dir"])
    tables = {}
    for name, sample in samples.items():
        log.info("%s: simulate, if it is not there", name)
        make_sample(sample, folder / "samples" / name, plain["processes"])
        tables[name] = _evaluate(folder / "samples" / name, judges)
    rows = [{"variation": name, **row} for name, table in tables.items() for row in table]
    found = changes(tables)
    write_csv(folder / "metrics.csv", rows)
    write_csv(folder / "changes.csv", found)
    write_json(folder / "robustness.json", {"metrics": rows, "changes": found})
    save_figure(folder / "robustness.png", change_figure(found, CLASSICAL), dpi=110)
    _report(found, [name for name in judges if name != CLASSICAL], folder)


def _judges(plain: Mapping[str, Any], physics: PhysicsSettings) -> dict[str, Evaluator]:
    """Return an evaluator of each network by its name, and one of classical ROIs."""
    given = [plain["network"]] if isinstance(plain["network"], str) else plain["network"]
    if not given or len(set(given)) < len(given):
        raise RobustnessError(
            f"network={given}: expected one or more different names, files or folders."
        )
    short = [Path(path).name for path in given]
    names = short if len(set(short)) == len(short) else given
    judges: dict[str, Evaluator] = {}
    for name, path in zip(names, given, strict=True):
        file = open_network(path, plain["trust"])
        data = data_config(plain, file)
        spec = network_spec(file, plain["network_spec"], data)
        readout = Readout.from_config({**data, "detector": plain["detector"]})
        judges.setdefault(CLASSICAL, Evaluator([Gauss(physics.gauss)], physics, readout, None))
        network = file.network(spec, physics, plain["device"])
        judges[name] = Evaluator([dnn(physics, spec)], physics, readout, network)
    return judges


def _samples(
    plain: Mapping[str, Any], physics: PhysicsSettings, judges: Mapping[str, Evaluator]
) -> dict[str, dict[str, Any]]:
    """Return the configuration of the simulation of every variation, nominal first.

    Raises:
        RobustnessError: a name in ``only`` is no variation.
    """
    variations = plain["variations"]
    only = plain["only"] or list(variations)
    unknown = [name for name in only if name not in variations]
    if unknown:
        raise RobustnessError(
            f"only={unknown[0]}: is no variation; expected some of {', '.join(variations)}. Add "
            f"one with +variations.{unknown[0]}={{gain:1.2}}."
        )
    tags = dict.fromkeys(tag for judge in judges.values() for tag in judge.tags)
    common = {**plain["simulation"], "tags": list(tags)}
    samples = {NOMINAL: common}
    for name in only:
        samples[name] = {**common, "variation": {**common["variation"], **variations[name]}}
    return samples


def _evaluate(folder: Path, judges: Mapping[str, Evaluator]) -> list[Row]:
    """Return the metrics of all networks and of classical ROIs on one sample."""
    rows: list[Row] = []
    for name, judge in judges.items():
        images = read_sample(folder, judge.readout, judge.tags, None)
        for group in judge(images):
            rows += [{"name": name, **row, "sample": folder.name} for row in group]
    return rows


def _report(rows: Sequence[Row], networks: Sequence[str], folder: Path) -> None:
    """Print the table, in one sentence how steady each network is, and where the files are."""
    table = Table(title="Change against the nominal detector", title_justify="left")
    table.add_column("variation")
    for name in (*networks, CLASSICAL):
        table.add_column(f"{name}: charge shift [%]", justify="right")
        table.add_column("inefficiency rise [%]", justify="right")
    by_key = {(row["variation"], row["name"]): row for row in rows}
    for variation in dict.fromkeys(row["variation"] for row in rows):
        cells = [variation]
        for name in (*networks, CLASSICAL):
            row = by_key[variation, name]
            cells.append(number_or_dash(row["charge_shift"], ".1f"))
            cells.append(number_or_dash(row["inefficiency_rise"], "+.1f"))
        table.add_row(*cells)
    console = table_console()
    console.print(table)
    for name in networks:
        less, others = steadier(rows, name)
        text = f"{name} changes less than {CLASSICAL} under {len(less)} of {len(less + others)}"
        text += f" variations; not under {', '.join(others)}." if others else " variations."
        console.print(text, soft_wrap=True, highlight=False)
    console.print(f"table and figure in {folder}", soft_wrap=True, highlight=False)
