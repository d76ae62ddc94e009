"""Memory that a Wire-Cell job prints.

Source of the format: Wire-Cell Toolkit, util/src/MemUsage.cxx (emit): total size and resident
memory, then how much they grew since the last line of the same counter, then the step's name.
"""

import re
from pathlib import Path
from typing import Any

from roilab.benchmark.process import MeasurementError

_NUMBER = r"(?P<{0}>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?P<{0}_unit>[KMG]?)i?B?"
_LINE = re.compile(
    r"MEM:\s*total:\s*size="
    + _NUMBER.format("size")
    + r",\s*res="
    + _NUMBER.format("res")
    + r"\s*increment:\s*size="
    + _NUMBER.format("size_increment")
    + r",\s*res="
    + _NUMBER.format("res_increment")
    + r"\s*(?P<step>.*)$",
    re.IGNORECASE,
)
_COMPONENT = re.compile(r"<(\w+:[^>\s]+)>")  # as WCT's logger names one
_MB = {"": 1e-6, "K": 1024e-6, "M": 1024**2 * 1e-6, "G": 1024**3 * 1e-6}
NO_SEGMENT = "job"


def read_wct_log(path: Path, segment: str) -> list[dict[str, Any]]:
    """The steps that a log tells of, in its order.

    Args:
        path: of the log.
        segment: regular expression; where a line matches, a segment of the job begins, named by
            the expression's groups, or by all that matches where it has none.

    Returns:
        Rows with ``segment``, ``component`` (as the logger names it, or empty), ``step``, resident
        memory ``before_mb`` (of the line before, whoever printed it), ``after_mb`` and
        ``printed_mb`` (the increment of the line), and ``size_mb`` (virtual) [MB, 1e6 bytes].

    Raises:
        MeasurementError: the file cannot be read, has no such lines, or ``segment`` is no regular
            expression.
    """
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise MeasurementError(
            f"{path}: cannot be read ({error.strerror}); name the log of a WCT job."
        ) from error
    try:
        begins = re.compile(segment)
    except re.error as error:
        raise MeasurementError(
            f"log_segment={segment}: is no regular expression ({error}); mend it."
        ) from error
    rows: list[dict[str, Any]] = []
    name = NO_SEGMENT
    for line in lines:
        name = _segment(begins, line) or name
        found = _LINE.search(line)
        if found:
            rows.append({"segment": name, **_row(found, line, rows)})
    if not rows:
        raise MeasurementError(
            f"{path}: has no line 'MEM: total: size=...K, res=...K increment: ...', which WCT's "
            "MemUsage prints; expected the log of a job whose components tell their memory "
            "(wire-cell -L debug)."
        )
    return rows


def _segment(begins: re.Pattern[str], line: str) -> str | None:
    found = begins.search(line)
    if found is None:
        return None
    return "-".join(group for group in found.groups() if group) or found.group()


def _row(found: re.Match[str], line: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    after, grown = _megabytes(found, "res"), _megabytes(found, "res_increment")
    component = _COMPONENT.search(line)
    return {
        "component": component.group(1) if component else "",
        "step": found["step"].strip(),
        "before_mb": rows[-1]["after_mb"] if rows else after - grown,
        "after_mb": after,
        "printed_mb": grown,
        "size_mb": _megabytes(found, "size"),
    }


def _megabytes(found: re.Match[str], name: str) -> float:
    return float(found[name]) * _MB[found[f"{name}_unit"].upper()]
