"""Tables of a model card, in Markdown."""

import math
from collections.abc import Mapping, Sequence

from roilab.console import number_with_errors
from roilab.inference import WorkingPoint
from roilab.model_card.markdown import plain_text
from roilab.types import Row
from roilab.verdict import cell_number

_MISSING = "-"
_PLACE = ("plane", "sample", "energy", "theta_xz")
_METHODS = {"dnn": "network", "gauss": "gauss"}
_CHARGE = {"bias": "+.1f", "resolution": ".1f", "inefficiency": ".1f", "charge_profile": ".1f"}
_ROIS = {"roi_efficiency": ".3f", "roi_purity": ".3f"}


def charge_table(rows: Sequence[Row]) -> str:
    """Return the charge metrics of the network and of gauss at every angle, with their intervals.

    Columns without any value, such as the energy of tracks, are left out.
    """
    places: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        place = tuple(_text(row.get(name)) for name in _PLACE)
        places.setdefault(place, {})[str(row.get("method"))] = row
    lines = [
        [*place, *_cells(methods)]
        for place, methods in sorted(places.items(), key=_order)
        if _METHODS.keys() <= methods.keys()
    ]
    if not lines:
        return "The network was not evaluated on a sample of known angle."
    heads = ["plane", "sample", "energy [MeV]", "angle [deg]"]
    heads += [f"{name.replace('_', ' ')} [%], {shown}"
              for name in _CHARGE for shown in _METHODS.values()]  # fmt: skip
    heads += [f"{name.replace('roi_', 'ROI ')}, {shown}"
              for name in _ROIS for shown in _METHODS.values()]  # fmt: skip
    kept = [n for n in range(len(heads)) if any(line[n] not in ("", _MISSING) for line in lines)]
    return markdown_table([heads[n] for n in kept], [[line[n] for n in kept] for line in lines])


def metrics_table(metrics: Mapping[str, float], point: WorkingPoint) -> str:
    """Return the metrics of the validation: of its masks at the network's threshold."""
    shown = {**metrics, **{f"val/{name}": value for name, value in point.metrics.items()}}
    if not shown:
        return "No metrics are available."
    # Without a scan the metrics are those of the epoch.
    thresh = point.mask_thresh if point.metrics else point.start
    lines = [[plain_text(name), f"{value:.4f}"] for name, value in sorted(shown.items())]
    return markdown_table([f"of validation, mask above {thresh:g}", ""], lines)


def threshold_text(point: WorkingPoint) -> str:
    """Return how the threshold was chosen, with the metrics at every scanned threshold."""
    text = f"{plain_text(point)}."
    if not point.scan:
        return text
    names = [name for name in point.scan[0] if name not in ("mask_thresh", "images")]
    lines = []
    for row in point.scan:
        numbers = ["" if math.isnan(row[n]) else f"{row[n]:.4f}" for n in names]
        lines.append([f"{row['mask_thresh']:g}", *numbers])
    heads = ["mask_thresh", *(name.replace("_", " ") for name in names)]
    return f"{text}\n\n{markdown_table(heads, lines)}"


def markdown_table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table; its cells are Markdown already."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _order(item: tuple[tuple[str, ...], object]) -> tuple[object, ...]:
    plane, sample, *numbers = item[0]
    values = (cell_number(text) for text in numbers)
    return plane, sample, *(-1.0 if math.isnan(value) else value for value in values)


def _cells(methods: Mapping[str, Row]) -> list[str]:
    forms = {**_CHARGE, **_ROIS}
    return [_value(methods[m], name, form) for name, form in forms.items() for m in _METHODS]


def _value(row: Row, name: str, form: str) -> str:
    value, low, high = (cell_number(row.get(f"{name}{end}")) for end in ("", "_low", "_high"))
    if math.isnan(value):
        return _MISSING
    sign, digits = ("+", form[1:]) if form.startswith("+") else ("", form)
    text = number_with_errors(value, low, high, digits)
    return sign + text if sign and value >= 0 else text


def _text(value: object) -> str:
    number = cell_number(value)
    if not math.isnan(number):
        return f"{number:g}"
    return "" if value is None else plain_text(value)
