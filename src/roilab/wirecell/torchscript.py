"""TorchScript, the form in which the Wire-Cell Toolkit loads a network.

Upstream calls TorchScript deprecated, but WCT's TorchService loads nothing else; so its warnings
are silenced here, and nowhere else.
"""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roilab.errors import RoilabError

_METADATA = "roilab.json"


class TorchScriptError(RoilabError):
    """A TorchScript file is absent or cannot be loaded."""


@contextmanager
def deprecation_silenced() -> Iterator[None]:
    """The one place where those warnings are silenced."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        yield


def script(module: nn.Module) -> torch.jit.ScriptModule:
    """A module as TorchScript; sizes stay free, unlike in a trace."""
    with deprecation_silenced():
        return torch.jit.script(module)


def save_torchscript(module: nn.Module, path: Path, metadata: Mapping[str, Any]) -> None:
    """Script a module and save it with its metadata inside."""
    scripted = script(module)
    with deprecation_silenced():
        extra = {_METADATA: json.dumps(metadata, indent=2)}
        torch.jit.save(scripted, str(path), _extra_files=extra)


def load_torchscript(path: Path) -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """A TorchScript file on the CPU and the metadata inside it (empty where there is none).

    Raises:
        TorchScriptError: the file is absent or no TorchScript.
    """
    extra = {_METADATA: ""}
    try:
        with deprecation_silenced():
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                str(path), map_location="cpu", _extra_files=extra
            )
    except (RuntimeError, ValueError) as error:
        raise TorchScriptError(
            f"{path}: cannot be loaded as TorchScript; expected a whole file such as the model.ts "
            "that roilab.train writes. Check the path or export again."
        ) from error
    text = extra[_METADATA]
    return module, json.loads(text) if text else {}
