"""Keys of overrides, and short names for them: used for reports and for folders of sweeps."""

import re
from collections.abc import Sequence


def override_key(override: str) -> str:
    """Return the key of an override: ``data.rebin`` of ``+data.rebin=1``."""
    return override.partition("=")[0].lstrip("+~")


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the last part of every key, or the full key where two keys share a last part."""
    last = {key: re.split(r"[./]", key)[-1] for key in keys}
    parts = list(last.values())
    return {key: key if parts.count(part) > 1 else part for key, part in last.items()}
