"""Tables of judged methods as CSV and JSON files, whole or not at all."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from roilab.atomic_write import write_text

Row = Mapping[str, Any]


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """One line a row, columns in order of first appearance; what is undefined is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    write_text(path, text.getvalue())


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """JSON without NaN, which it has no word for: undefined numbers are ``null``."""
    write_text(path, json.dumps(_without_nan(content), indent=1) + "\n")


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
