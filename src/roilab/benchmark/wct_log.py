"""Read the memory that a Wire-Cell job writes to its log.

Source of the format: Wire-Cell Toolkit, util/src/MemUsage.cxx (emit): total virtual size and
resident memory, their increments since the last line of the same counter, the name of the step.
"""

import re
from pathlib import Path

from roilab.benchmark.process import MeasurementError
from roilab.types import Row

_NUMBER = r"(?P<{0}>[-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?P<{0}_unit>[KMG]?)i?B?"
_LINE = re.compile(
    r"MEM:\s*total:\s*size={},\s*res={}\s*increment:\s*size={},\s*res={}\s*(?P<step>.*)$".format(
        *map(_NUMBER.format, ("size", "res", "size_increment", "res_increment"))
    ),
    re.IGNORECASE,
)
# "<Type:name>" in a line of WCT's logger, but not "ISourceNode<WireCell::IFrame>".
_COMPONENT = re.compile(r"(?<!\w)<(\w+:(?!:)[^<>\s]+)>")
_JOB_START = re.compile(r"executing \d+ apps")  # once or twice, before the first event
_MB = {"": 1e-6, "K": 1024e-6, "M": 1024**2 * 1e-6, "G": 1024**3 * 1e-6}


def read_wct_log(path: Path, segment: str) -> list[Row]:
    """Return the steps of a log, in its order.

    Rows have ``job`` (1 for the first job in the log), ``segment``, ``component`` (from the
    logger, or empty), ``step``, resident memory ``before_mb`` (of the job's previous line, from
    any component), ``after_mb`` and ``printed_mb`` (increment on the line), and ``size_mb``
    (virtual memory) [MB, 1e6 bytes]. A line that matches the regular expression ``segment``
    starts a segment of the job, named by the expression's groups, or by the complete match where
    it has no groups.

    Raises:
        MeasurementError: the file cannot be read, has no such lines, or ``segment`` is not a
            regular expression.
    """
    pattern, rows = _compile(segment), list[Row]()
    job, name = 1, "job"  # before the first segment
    for line in _read_lines(path):
        if _JOB_START.search(line) and rows and rows[-1]["job"] == job:
            job, name = job + 1, "job"
        if start := pattern.search(line):
            name = "-".join(filter(None, start.groups())) or start.group()
        if match := _LINE.search(line):
            before = rows[-1]["after_mb"] if rows and rows[-1]["job"] == job else None
            rows.append({"job": job, "segment": name, **_row(match, line, before)})
    if not rows:
        raise MeasurementError(
            f"{path}: has no line 'MEM: total: size=...K, res=...K increment: ...', which WCT's "
            "MemUsage prints; expected the log of a job whose components print their memory: "
            "run it with wire-cell -L debug, and set verbosity: 2 in the data of Pgrapher."
        )
    return rows


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise MeasurementError(
            f"{path}: cannot be read ({error.strerror}); name the log of a WCT job."
        ) from error


def _compile(segment: str) -> re.Pattern[str]:
    try:
        return re.compile(segment)
    except re.error as error:
        raise MeasurementError(
            f"log_segment={segment}: is not a regular expression ({error}); correct it."
        ) from error


def _row(match: re.Match[str], line: str, before: float | None) -> Row:
    after, grown = _megabytes(match, "res"), _megabytes(match, "res_increment")
    component = _COMPONENT.search(line)
    return {
        "component": component.group(1) if component else "",
        "step": match["step"].strip(),
        "before_mb": after - grown if before is None else before,
        "after_mb": after,
        "printed_mb": grown,
        "size_mb": _megabytes(match, "size"),
    }


def _megabytes(match: re.Match[str], name: str) -> float:
    return float(match[name]) * _MB[match[f"{name}_unit"].upper()]
