"""What a job of a sweep is called: its folder, its W&B run, what it overrides."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import QuotedString
from omegaconf import OmegaConf

from roilab.report.setting_names import override_key, short_names

_LONGEST = 100  # characters of a folder's name; file systems take 255 bytes


def folder_name(swept: Sequence[str], number: int) -> str:
    """A job's folder, such as ``rebin-1+threshold-50``.

    It needs no quotes, neither in a shell nor in an override. Where a value has to be changed for
    that, or the whole to be cut, a hash of all overrides is added, so that two jobs never share.

    Args:
        swept: the overrides in which jobs differ, as on a command line.
        number: of the job; its name where nothing is swept.
    """
    if not swept:
        return str(number)
    short = short_names([override_key(override) for override in swept])
    texts = [f"{short[override_key(o)]}-{o.partition('=')[2]}" for o in swept]
    texts = [re.sub(r"(?<=\d)e\+(?=\d)", "e", text) for text in texts]  # 1e+30 is 1e30
    name = "+".join(re.sub(r"[^A-Za-z0-9._-]+", "-", text) for text in texts)
    if name == "+".join(texts) and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256("\n".join(swept).encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - 9]}@{digest}"


def title(swept: Sequence[str]) -> str:
    """A job's name for people, such as ``rebin=1 threshold=50``."""
    short = short_names([override_key(override) for override in swept])
    return " ".join(f"{short[override_key(o)]}={o.partition('=')[2]}" for o in swept)


def values(swept: Sequence[str]) -> dict[str, Any]:
    """Overrides as keys and values of YAML's types."""
    parsed = OverridesParser.create().parse_overrides(list(swept))
    return {
        override_key(text): _plain(one.value()) for text, one in zip(swept, parsed, strict=True)
    }


def swept_overrides(hydra: Any) -> list[str]:
    """Those of a job's overrides that ``claim_folder`` did not find to be the same for all."""
    same = set(hydra.job.config.override_dirname.exclude_keys)
    return [override for override in hydra.overrides.task if override_key(override) not in same]


def job_number(hydra: Any) -> int | None:
    """Number of the job in a sweep; ``None`` for a run alone."""
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
    """What the configuration asks for as ``${job:folder}``, ``${job:title}``, ``${job:group}``."""
    if not HydraConfig.initialized() or (number := job_number(HydraConfig.get())) is None:
        return None
    hydra = HydraConfig.get()
    if kind == "group":
        return "/".join(Path(hydra.sweep.dir).resolve().parts[-2:])
    swept = swept_overrides(hydra)
    return folder_name(swept, number) if kind == "folder" else title(swept)


def _given(first: str | None, second: str) -> str:
    return second if first is None else first


OmegaConf.register_new_resolver("job", _of_job, replace=True)
# ${given:A,B}: A, or B where A is null.
OmegaConf.register_new_resolver("given", _given, replace=True)
