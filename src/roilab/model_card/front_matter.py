"""Front matter of a model card: the YAML that the Hugging Face Hub reads."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from roilab.types import Row
from roilab.verdict import NETWORK, cell_number

# Of the tasks of the Hub, the one of an image in and a mask out.
_TASK = "image-segmentation"
_DATASET = "wire-cell-frames"
# Licences that the Hub knows, in its spelling; SPDX has the same names with capitals.
_LICENCES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear", "cc0-1.0"),
    *("cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0"),
    *("mpl-2.0", "unlicense", "isc", "zlib", "wtfpl", "epl-2.0", "eupl-1.2"),
}


def front_matter(
    metadata: Mapping[str, Any],
    file: str,
    licence: str | None,
    metrics: Mapping[str, float],
    rows: Sequence[Row],
) -> str:
    """Return the front matter, between its lines of dashes.

    Args:
        metadata: of the network, with ``network`` and ``detector``.
        file: name of the network's file.
        licence: its SPDX name; ``None`` leaves it out.
        metrics: of the validation, by name.
        rows: of the charge metrics.
    """
    name = f"{metadata['network']} {metadata['detector']}"
    results = [*_validation(metrics), *_charge(rows)]
    content = {
        **_licence(licence),
        "library_name": "roilab",
        "pipeline_tag": _TASK,
        "tags": _tags(metadata, file),
        "model-index": [{"name": name, "results": results}] if results else None,
    }
    kept = {key: value for key, value in content.items() if value}
    text = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{text}---\n"


def _licence(licence: str | None) -> dict[str, str]:
    if licence is None:
        return {}
    known = licence.lower()
    if known in _LICENCES:
        return {"license": known}
    return {"license": "other", "license_name": _tag(licence)}


def _tags(metadata: Mapping[str, Any], file: str) -> list[str]:
    kinds = {"ts": "torchscript", "onnx": "onnx", "safetensors": "safetensors"}
    own = (metadata["network"], metadata["detector"])
    texts = ["lartpc", "liquid-argon", "wire-cell", "roi-finding", "u-net", "pytorch"]
    texts += [kinds.get(file.rpartition(".")[2], ""), *map(_tag, own)]
    return list(dict.fromkeys(text for text in texts if text))


def _tag(text: str) -> str:
    """Return a text as a tag: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def _validation(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    found = {name.removeprefix("val/"): value for name, value in metrics.items()}
    values = [_metric(name, name.replace("_", " "), value) for name, value in found.items()]
    return _result("validation events", "validation", values)


def _charge(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return means over all angles of every sample, plane and energy."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row.get("method") == NETWORK:
            key = tuple(str(row.get(name) or "") for name in ("sample", "plane", "energy"))
            groups.setdefault(key, []).append(row)
    results = []
    for (sample, plane, energy), found in groups.items():
        name = f"{sample}, plane {plane}" + (f", {cell_number(energy):g} MeV" if energy else "")
        values = [
            _metric("bias", "size of the charge bias [%], mean over angles", _mean(found, "bias")),
            _metric("resolution", "charge resolution [%], mean over angles",
                    _mean(found, "resolution")),
            _metric("inefficiency", "inefficiency [%], mean over angles",
                    _mean(found, "inefficiency")),
            _metric("roi_purity", "ROI purity, mean over angles", _mean(found, "roi_purity")),
        ]  # fmt: skip
        results += _result(name, "test", values)
    return results


def _mean(rows: Sequence[Row], name: str) -> float:
    sizes = [abs(cell_number(row.get(name))) for row in rows]
    known = [size for size in sizes if math.isfinite(size)]
    return sum(known) / len(known) if known else math.nan


def _metric(kind: str, name: str, value: float) -> dict[str, Any]:
    return {"type": kind, "name": name, "value": float(f"{value:.4g}")}


def _result(dataset: str, split: str, metrics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one result, or none without a finite metric."""
    finite = [metric for metric in metrics if math.isfinite(metric["value"])]
    about = {"type": _DATASET, "name": dataset, "split": split}
    task = {"type": _TASK, "name": "ROI finding"}
    return [{"task": task, "dataset": about, "metrics": finite}] if finite else []
