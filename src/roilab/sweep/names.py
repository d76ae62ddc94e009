"""Names of a job in a sweep: its folder, its W&B run, and the settings that it varies."""

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from omegaconf import OmegaConf

from roilab.report.setting_names import override_key, short_names

SWEEP_FILE = "sweep.json"
_MAX_LENGTH = 100  # characters of a folder's name; file systems allow 255 bytes


def folder_name(swept: Sequence[str], number: int) -> str:
    """Return the name of a job's folder, such as ``rebin-1+threshold-50``.

    It needs no quotes in a shell or in an override. Where a value loses characters by that, or the
    name is cut, a hash of all overrides is added, so that no two jobs share a folder. ``swept`` are
    the overrides in which jobs differ; the name is the job's number where there are none.
    """
    if not swept:
        return str(number)
    short = short_names([override_key(override) for override in swept])
    texts = [f"{short[override_key(o)]}-{o.partition('=')[2]}" for o in swept]
    texts = [re.sub(r"(?<=\d)e\+(?=\d)", "e", text) for text in texts]  # 1e+30 is 1e30
    name = "+".join(re.sub(r"[^A-Za-z0-9._-]+", "-", text) for text in texts)
    if name == "+".join(texts) and len(name) <= _MAX_LENGTH:
        return name
    digest = hashlib.sha256("\n".join(swept).encode()).hexdigest()[:8]
    return f"{name[: _MAX_LENGTH - 9]}@{digest}"


def title(swept: Sequence[str]) -> str:
    """Return the title of a job, such as ``rebin=1 threshold=50``."""
    short = short_names([override_key(override) for override in swept])
    return " ".join(f"{short[override_key(o)]}={o.partition('=')[2]}" for o in swept)


def values(swept: Sequence[str]) -> dict[str, Any]:
    """Convert overrides to keys and values of YAML's types."""
    parsed = OverridesParser.create().parse_overrides(list(swept))
    return {
        override_key(text): _plain(one.value()) for text, one in zip(swept, parsed, strict=True)
    }


def swept_overrides(hydra: Any) -> list[str]:
    """Return the overrides of a job that are not the same for all jobs of its sweep.

    Those that are the same stand in the command that ``sweep.json`` holds; what a search chooses
    for a job does not.
    """
    path, common = Path(hydra.runtime.cwd, hydra.sweep.dir, SWEEP_FILE), set[str]()
    if path.is_file():
        sweep = json.loads(path.read_text())
        common = {override_key(override) for override in sweep["command"]} - set(sweep["swept"])
    keys = [(override, override_key(override)) for override in hydra.overrides.task]
    return [o for o, key in keys if key not in common and not key.startswith("sweep.")]


def job_number(hydra: Any) -> int | None:
    """Return the number of the job in a sweep; ``None`` for a single run."""
    return None if OmegaConf.is_missing(hydra.job, "num") else int(hydra.job.num)


def _plain(value: Any) -> Any:
    match value:
        case QuotedString():
            return value.text
        case list() | tuple():
            return [_plain(item) for item in value]
        case Mapping():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case None | bool() | int() | float() | str():
            return value
    return str(value)


def _of_job(kind: str) -> str | None:
    """Resolve ``${job:KIND}`` in the configuration: folder, title, group and command."""
    if not HydraConfig.initialized():
        return None
    hydra = HydraConfig.get()
    if kind == "command":
        folders = [s.path for s in hydra.runtime.config_sources if s.provider == "command-line"]
        options = ["--config-dir", folders[0]] if folders else []
        return shlex.join(["roilab", hydra.job.name, *options, *hydra.overrides.task])
    if (number := job_number(hydra)) is None:
        return None
    if kind == "group":
        return "/".join(Path(hydra.sweep.dir).resolve().parts[-2:])
    swept = swept_overrides(hydra)
    return folder_name(swept, number) if kind == "folder" else title(swept)


OmegaConf.register_new_resolver("job", _of_job, replace=True)
# ${given:A,B}: A, or B where A is null or an empty text.
OmegaConf.register_new_resolver("given", lambda a, b: b if a in (None, "") else a, replace=True)
