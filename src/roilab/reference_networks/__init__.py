"""Reference networks: trained networks in this folder, which every command takes by name.

Of each there are ``NAME.safetensors`` (weights), ``NAME.json`` (what else is needed to rebuild it,
and how it was trained) and ``NAME.md`` (model card). ``roilab networks store`` writes them; the
package ``roilab.inference`` opens them. Nothing here needs torch.
"""

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MAX_BYTES = 6_000_000  # of all of them together: they are part of the package
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def is_name(text: str) -> bool:
    """Return whether a text can be the name of a reference network."""
    return _NAME.fullmatch(text) is not None


def reference_names() -> list[str]:
    """Return the names of all reference networks, sorted."""
    found = (path for path in FOLDER.glob("*.safetensors") if is_name(path.stem))
    return sorted(path.stem for path in found if path.with_suffix(".json").is_file())


def describe_names() -> str:
    """Return a sentence that lists the names."""
    names = reference_names()
    if not names:
        return "There is no reference network in this installation."
    return f"Reference networks: {', '.join(names)}."


def find_reference(name: str) -> Path | None:
    """Return the weights file of a reference network; ``None`` where none has this name."""
    return FOLDER / f"{name}.safetensors" if name in reference_names() else None


def read_description(weights: Path) -> dict[str, Any]:
    """Return the JSON file beside a weights file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a JSON object.
    """
    content = json.loads(weights.with_suffix(".json").read_text())
    if not isinstance(content, dict):
        raise ValueError(f"expected an object, got {type(content).__name__}")
    return content
