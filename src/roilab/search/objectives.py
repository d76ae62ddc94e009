"""What a study optimizes: names, directions, and the values of a finished trial."""

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from roilab.config.limits import TEST_METRICS, VALIDATION_METRICS
from roilab.search.errors import SearchError
from roilab.sweep.status import Status

TIME = "time/inference"
_PHYSICS = re.compile(r"physics/(\w+)(?:@(-?[\d.]+))?")
# Columns of the table of charge metrics; True: a larger value is better.
_COLUMNS = {
    **{"bias": False, "resolution": False, "inefficiency": False},
    **{"roi_efficiency": True, "roi_purity": True},
}
_OTHERS = {"time/train": False, TIME: False, "parameters": False}
_OWN = re.compile(r"(?!(val|test|physics|time)/)(\w+/.+):(min|max)")
_TABLE = "physics/best.csv"


@dataclass(frozen=True)
class Objective:
    """A quantity that a study optimizes.

    Attributes:
        name: as in ``search.objectives``, without ``:min`` or ``:max``.
        maximize: a larger value is better.
    """

    name: str
    maximize: bool

    @property
    def direction(self) -> Literal["minimize", "maximize"]:
        """The direction as Optuna names it."""
        return "maximize" if self.maximize else "minimize"

    @property
    def of_each_epoch(self) -> bool:
        """Whether the value is computed in the validation of each epoch."""
        return self.name.startswith("val/")

    @property
    def needs_samples(self) -> bool:
        """Whether it is computed on samples of known angle."""
        return self.name.startswith("physics/")

    def value(self, status: Status, folder: Path) -> float:
        """Return the value of a finished run.

        Raises:
            SearchError: the run has no such value.
        """
        results = status.results
        if results is None:
            raise SearchError(f"{folder}: is not finished, so it has no {self.name}.")
        if match := _PHYSICS.fullmatch(self.name):
            return _mean(folder / _TABLE, match[1], match[2])
        values: dict[str, float | None] = {**results.metrics}
        values |= {"time/train": status.seconds, "parameters": float(results.parameters)}
        if self.name not in values:
            known = ", ".join(sorted(values))
            raise SearchError(
                f"search.objectives: no trial has {self.name}; expected one of {known}. Correct "
                "the name, or log this metric."
            )
        value = values[self.name]
        return math.nan if value is None else value


def read_objectives(names: Sequence[str]) -> tuple[Objective, ...]:
    """Return the objectives of ``search.objectives``.

    Raises:
        SearchError: there is none, one is named twice, or its name is not known.
    """
    objectives = tuple(_objective(str(name)) for name in names)
    if not objectives or len({one.name for one in objectives}) < len(objectives):
        raise SearchError(
            f"search.objectives={list(names)}; expected one or more different metrics, such as "
            "[val/dice]."
        )
    return objectives


def _objective(text: str) -> Objective:
    if own := _OWN.fullmatch(text):
        return Objective(own[2], own[3] == "max")
    if text in (*VALIDATION_METRICS, *TEST_METRICS):
        return Objective(text, not text.endswith("/loss"))
    if (match := _PHYSICS.fullmatch(text)) and match[1] in _COLUMNS:
        return Objective(text, _COLUMNS[match[1]])
    if text in _OTHERS:
        return Objective(text, _OTHERS[text])
    known = [*VALIDATION_METRICS, *TEST_METRICS, *_OTHERS, *(f"physics/{one}" for one in _COLUMNS)]
    close = get_close_matches(text, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise SearchError(
        f"search.objectives: '{text}' is not known; {hint}Expected one of {', '.join(known)}, or "
        "a metric of yours with its direction, as my/score:max."
    )


def _mean(path: Path, column: str, angle: str | None) -> float:
    """Return the mean of a charge metric of the network; of the bias that of its size.

    Args:
        path: table of the best checkpoint, with fractions in its cells.
        column: of that table.
        angle: only rows of this angle in the plane of drift and wire pitch [deg].
    """
    try:
        rows = list(csv.DictReader(path.read_text().splitlines()))
    except OSError:
        raise SearchError(
            f"{path}: is absent, so there is no physics/{column}; expected data.samples or "
            "simulated samples, and callbacks.physics_metrics."
        ) from None
    chosen: list[Mapping[str, str]] = [row for row in rows if row["method"] == "dnn"]
    if angle is not None:
        chosen = [row for row in chosen if float(row["theta_xz"]) == float(angle)]
    size: Callable[[float], float] = abs if column == "bias" else float
    values = [size(float(row[column])) for row in chosen if row[column]]
    if not chosen or len(values) < len(chosen):
        return math.nan
    return math.fsum(values) / len(values)
