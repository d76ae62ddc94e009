"""Settings in which runs differ, as their configurations were written."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from roilab.report.html import HtmlCell, HtmlColumn, HtmlTable, text_cell
from roilab.report.run_record import RunRecord
from roilab.report.swept_settings import config_leaves, is_place, value_text

ABSENT = "absent"
_MAX_RUNS = 6  # columns of the table


def all_settings(run: RunRecord) -> dict[str, Any]:
    """Return the chosen file of every config group, and every value of the configuration."""
    groups = {f"{group} (file)": choice for group, choice in run.choices.items()}
    chosen = {key: value for key, value in groups.items() if not key.startswith("hydra")}
    return {**chosen, **dict(config_leaves(run.config))}


def is_moved(values: Sequence[Any]) -> bool:
    """Return whether values are the same file or folder name in different folders."""
    if not all(isinstance(value, str) for value in values) or "/" not in "".join(values):
        return False
    names = {PurePath(value).name for value in values}
    return len(names) == 1 and names != {""}


def difference_table(runs: Sequence[RunRecord], names: Mapping[str, RunRecord]) -> HtmlTable | None:
    """Return the settings that differ between a few runs; ``None`` without any.

    Args:
        runs: to compare; those without a configuration are left out.
        names: of the runs.
    """
    known = {name: all_settings(run) for name, run in names.items() if run in runs and run.config}
    if not 1 < len(known) <= _MAX_RUNS:
        return None
    rows = []
    for key in dict.fromkeys(key for settings in known.values() for key in settings):
        texts = [value_text(each[key]) if key in each else ABSENT for each in known.values()]
        values = [settings.get(key) for settings in known.values()]
        if len(set(texts)) > 1 and not is_place(key) and not is_moved(values):
            rows.append([HtmlCell(key), *(text_cell(text) for text in texts)])
    if not rows:
        return None
    columns = [HtmlColumn("setting"), *(HtmlColumn(name) for name in known)]
    caption = (
        "Settings with different values, without those that only name a folder; roilab diff RUN "
        "RUN compares two runs further."
    )
    return HtmlTable(caption, columns, rows)
