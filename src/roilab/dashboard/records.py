"""Records of an offline W&B run, read from its ``.wandb`` file.

The file is a log in LevelDB's format: 7 bytes of header, then blocks of 32 KiB with chunks
(checksum 4 bytes, length 2, kind 1, content); one or several chunks are a record.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roilab.errors import RoilabError

_MAGIC, _HEADER = b":W&B", 7
_BLOCK, _CHUNK = 32768, struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
Values = dict[str, Any]


class RecordsError(RoilabError):
    """There are no W&B records, or they cannot be read."""


@dataclass(frozen=True)
class Artifact:
    """Files that belong to a run: its network or its data.

    Attributes:
        name: the same for all versions.
        type: ``model`` or ``dataset``.
        aliases: of this version.
        metadata: what is known of it.
        files: paths in the artifact; of a reference the place of the file.
    """

    name: str
    type: str
    aliases: Sequence[str]
    metadata: Values
    files: Mapping[str, str]


@dataclass
class WandbRun:
    """Contents of the records of one run.

    Attributes:
        folder: that contains the records and pictures of the run.
        name: of the run.
        group: of the runs of a sweep; empty for a single run.
        job_type: ``train`` or ``evaluate``.
        tags: of the run.
        config: its configuration.
        axes: name of the axis of a metric, by metric; ``*`` for the others.
        best: ``min`` or ``max``, by metric, for those whose best value is kept.
        history: logged values, in their order.
        summary: values at the end.
        artifacts: network and data.
        custom_charts: titles of the charts that are no plain curves, by key.
        commit: of the folder in which the run was started; empty where it is no repository.
        exit_code: 0 for success; ``None`` where the run has not ended.
    """

    folder: Path
    name: str = ""
    group: str = ""
    job_type: str = ""
    tags: list[str] = field(default_factory=list)
    config: Values = field(default_factory=dict)
    axes: dict[str, str] = field(default_factory=dict)
    best: dict[str, str] = field(default_factory=dict)
    history: list[Values] = field(default_factory=list)
    summary: Values = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    custom_charts: dict[str, str] = field(default_factory=dict)
    commit: str = ""
    exit_code: int | None = None

    def points(self, key: str) -> list[tuple[float, Any]]:
        """Return (epoch, value) pairs of a key."""
        rows = [row for row in self.history if key in row]
        return [(float(row["epoch" if "epoch" in row else "_step"]), row[key]) for row in rows]

    def path(self, media: Mapping[str, Any]) -> Path:
        """Return the file of a picture, a mask or a table."""
        return self.folder / "files" / str(media["path"])


def find_records(folders: Sequence[Path]) -> list[Path]:
    """Return the W&B records of runs and sweeps, in order of their paths.

    Args:
        folders: of runs, of sweeps, or of anything that contains them.

    Raises:
        RecordsError: a folder contains none.
    """
    found: list[Path] = []
    for folder in folders:
        # latest-run is a link to one of the others.
        files = {path.resolve() for path in folder.rglob("*.wandb")}
        if not files:
            raise RecordsError(
                f"{folder}: contains no W&B records; expected a file wandb/*-run-*/run-*.wandb in "
                "it. Train with logger=many or logger=wandb, or name another folder."
            )
        found += sorted(files)
    return list(dict.fromkeys(found))


def read_records(path: Path) -> WandbRun:
    """Read a ``.wandb`` file, that of a killed run up to its last complete record.

    Raises:
        RecordsError: the file is no such file.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    run = WandbRun(path.parent)
    data = path.read_bytes()
    if not data.startswith(_MAGIC):
        raise RecordsError(
            f"{path}: is no record of a W&B run; expected a file that begins with :W&B. Name the "
            "folder of another run."
        )
    try:
        for content in _contents(data):
            _take(run, Record.FromString(content))
    except (DecodeError, ValueError) as error:
        raise RecordsError(
            f"{path}: is damaged ({error}); expected the records of a W&B run. Name another run."
        ) from error
    return run


def _contents(data: bytes) -> Iterator[bytes]:
    """Yield the content of every complete record."""
    position, parts = _HEADER, b""
    while position + _CHUNK.size <= len(data):
        left = _BLOCK - position % _BLOCK
        if left < _CHUNK.size:
            position += left
            continue
        _, length, kind = _CHUNK.unpack_from(data, position)
        begin = position + _CHUNK.size
        position = begin + length
        if kind not in (_FULL, _FIRST, _MIDDLE, _LAST) or position > len(data):
            return  # where the process was killed
        parts = data[begin:position] if kind in (_FULL, _FIRST) else parts + data[begin:position]
        if kind in (_FULL, _LAST):
            yield parts


def _take(run: WandbRun, record: Any) -> None:
    """Add the content of a record to a run; records of other kinds are left out."""
    match record.WhichOneof("record_type"):
        case "run":
            run.name, run.group = record.run.display_name, record.run.run_group
            run.job_type, run.tags = record.run.job_type, list(record.run.tags)
            _update(run.config, record.run.config.update)
        case "config":
            _update(run.config, record.config.update)
            charts = run.config.get("_wandb", {}).get("visualize", {})
            run.custom_charts |= {
                key: chart["panel_config"]["stringSettings"].get("title", key)
                for key, chart in charts.items()
            }
        case "metric":
            _define(run, record.metric)
        case "history":
            row: Values = {}
            _update(row, record.history.item)
            run.history.append(row)
        case "summary":
            _update(run.summary, record.summary.update)
        case "artifact":
            run.artifacts.append(_artifact(record.artifact))
        case "environment":
            run.commit = record.environment.git.commit or run.commit
        case "exit":
            run.exit_code = record.exit.exit_code


def _update(values: Values, items: Any) -> None:
    """Set values, also those inside other values."""
    for item in items:
        *parents, last = item.nested_key or [item.key]
        node = values
        for name in parents:
            inner = node.get(name)
            if not isinstance(inner, dict):
                inner = node[name] = {}
            node = inner
        node[last] = json.loads(item.value_json)


def _define(run: WandbRun, metric: Any) -> None:
    name = metric.name or metric.glob_name
    if metric.step_metric:
        run.axes[name] = metric.step_metric
    for sense in ("min", "max"):
        if getattr(metric.summary, sense):
            run.best[name] = sense


def _artifact(record: Any) -> Artifact:
    files = {entry.path: entry.ref or entry.local_path for entry in record.manifest.contents}
    aliases = [alias for alias in record.aliases if alias != "latest"]
    metadata = json.loads(record.metadata) if record.metadata else {}
    return Artifact(record.name, record.type, aliases, metadata, files)
