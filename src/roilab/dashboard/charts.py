"""The charts that the records of runs give: what W&B shows, listed without an account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from roilab.dashboard.records import WandbRun

_TABLE = "_table"  # W&B's ending for the table behind a custom chart
# Section of a key by what comes before its first "/"; in the order of the workspace.
_SECTIONS: Mapping[str, str] = {
    "train": "Loss and masks",
    "val": "Loss and masks",
    "angles": "Charge against angle",
    "physics": "Charge against angle",
    "events": "Events",
    "panels": "Events",
    "ranked": "Best and worst events",
    "figures": "Figures of the best checkpoint",
    "lr": "Speed and memory",
    "speed": "Speed and memory",
    "memory": "Speed and memory",
    "best": "Best checkpoint",
    "test": "Best checkpoint",
}
_OTHER = "Other"
# Settings that can differ between the runs of a sweep without being varied.
_NOT_SETTINGS = ("run", "job", "sweep", "run_dir", "output_dir", "callbacks", "logger", "_wandb")
_NOT_KEYS = ("trainer.default_root_dir", "data.cache.dir")


class Kind(Enum):
    """What a chart shows."""

    LINES = "lines"
    CURVES = "curves against angle"
    PICTURES = "pictures, slider over epochs"
    TABLE = "table of every epoch"
    NUMBERS = "numbers at the end"


@dataclass(frozen=True)
class Chart:
    """One chart of the workspace.

    Attributes:
        section: heading under which it stands.
        title: of the chart.
        kind: what it shows.
        keys: logged keys.
        epochs: at which they are logged.
        runs: number of runs that have them.
    """

    section: str
    title: str
    kind: Kind
    keys: tuple[str, ...]
    epochs: tuple[float, ...]
    runs: int


def list_charts(runs: Sequence[WandbRun]) -> list[Chart]:
    """Return the charts of runs that are shown together, by section."""
    groups: dict[tuple[str, str, Kind], list[str]] = {}
    for key in dict.fromkeys(key for run in runs for row in run.history for key in row):
        if not key.startswith("_") and key not in ("epoch", "trainer/global_step"):
            groups.setdefault(_place(key, runs), []).append(key)
    charts = [
        Chart(section, title, kind, tuple(keys), *_extent(keys, runs))
        for (section, title, kind), keys in groups.items()
    ]
    order = [*dict.fromkeys(_SECTIONS.values()), _OTHER]
    return sorted(charts, key=lambda chart: (order.index(chart.section), chart.title))


def _place(key: str, runs: Sequence[WandbRun]) -> tuple[str, str, Kind]:
    """Return section, title and kind of the chart to which a key belongs."""
    group, _, name = key.partition("/")
    section = _SECTIONS.get(group, _OTHER)
    value = next(row[key] for run in runs for row in run.history if key in row)
    if isinstance(value, Mapping):
        if key.endswith(_TABLE):
            return section, key.removesuffix(_TABLE), Kind.CURVES
        kind = Kind.TABLE if "table" in str(value.get("_type")) else Kind.PICTURES
        return section, key, kind
    if group in ("best", "test"):
        return section, f"metrics of {group}", Kind.NUMBERS
    if name == "loss":
        return section, "loss, train and val", Kind.LINES
    return section, "metrics of val" if group == "val" else key, Kind.LINES


def _extent(keys: Sequence[str], runs: Sequence[WandbRun]) -> tuple[tuple[float, ...], int]:
    """Return at which epochs, and in how many runs, keys are logged."""
    epochs = {epoch for run in runs for key in keys for epoch, _ in run.points(key)}
    return tuple(sorted(epochs)), sum(any(run.points(key) for key in keys) for run in runs)


def varied_settings(runs: Sequence[WandbRun]) -> list[str]:
    """Return the settings in which the configurations of runs differ, by dotted key."""
    configs = [dict(_flatten(run.config)) for run in runs]
    keys = dict.fromkeys(key for config in configs for key in config)
    return [
        key
        for key in keys
        if key not in _NOT_KEYS and len({str(config.get(key)) for config in configs}) > 1
    ]


def setting(run: WandbRun, key: str) -> Any:
    """Return a value of a configuration by its dotted key, or ``None``."""
    return dict(_flatten(run.config)).get(key)


def _flatten(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in config.items():
        if not prefix and name in _NOT_SETTINGS:
            continue
        key = f"{prefix}{name}"
        found += _flatten(value, f"{key}.") if isinstance(value, Mapping) else [(key, value)]
    return found
