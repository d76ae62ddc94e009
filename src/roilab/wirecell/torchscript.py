"""TorchScript, the file format in which the Wire-Cell Toolkit loads a network.

PyTorch calls TorchScript deprecated, but WCT's TorchService loads no other format. The deprecation
warnings are ignored in this module and nowhere else.
"""

import io
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roilab.atomic_write import write_bytes
from roilab.errors import RoilabError

_METADATA = "roilab.json"


class TorchScriptError(RoilabError):
    """A TorchScript file is absent or cannot be loaded."""


@contextmanager
def ignore_deprecation() -> Iterator[None]:
    """Ignore PyTorch's deprecation warnings of TorchScript."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=FutureWarning)
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        yield


def script(module: nn.Module) -> torch.jit.ScriptModule:
    """Compile a module to TorchScript; unlike in a trace, image sizes stay free."""
    with ignore_deprecation():
        return torch.jit.script(module)


def save_torchscript(module: nn.Module, path: Path, metadata: Mapping[str, Any]) -> None:
    """Compile a module and write it to a file with its metadata inside."""
    extra = {_METADATA: json.dumps(metadata, indent=2)}
    content = io.BytesIO()  # PyTorch would write the name of a file into its contents
    with ignore_deprecation():
        torch.jit.save(script(module), content, _extra_files=extra)
    write_bytes(path, content.getvalue())


def load_torchscript(path: Path) -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """Load a TorchScript file onto the CPU.

    Returns:
        The module, and the metadata inside the file (empty where there is none).

    Raises:
        TorchScriptError: the file is absent, not TorchScript, or its metadata is damaged.
    """
    extra = {_METADATA: ""}
    try:
        with ignore_deprecation():
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                str(path), map_location="cpu", _extra_files=extra
            )
    except (RuntimeError, ValueError) as error:
        raise TorchScriptError(
            f"{path}: cannot be loaded as TorchScript; expected a complete file such as the "
            "model.ts that roilab.train writes. Check the path or export again."
        ) from error
    return module, _read_metadata(path, extra[_METADATA])


def _read_metadata(path: Path, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        metadata = json.loads(text)
    except ValueError as error:
        raise TorchScriptError(
            f"{path}: its metadata {_METADATA} is not JSON ({error}); export the network again."
        ) from error
    if not isinstance(metadata, dict):
        raise TorchScriptError(
            f"{path}: its metadata {_METADATA} is {type(metadata).__name__}; expected names with "
            "values. Export the network again."
        )
    return metadata
