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
from roilab.checksum import SUMS_FILE, damaged_member, differs_from_sums
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


def save_torchscript(
    module: nn.Module, path: Path, metadata: Mapping[str, Any] | None = None
) -> None:
    """Compile a module and write it to a file, with its metadata inside where there are any."""
    write_bytes(path, torchscript_content(module, metadata))


def torchscript_content(module: nn.Module, metadata: Mapping[str, Any] | None = None) -> bytes:
    """Compile a module; return the contents of its file, see ``save_torchscript``."""
    extra = {} if metadata is None else {_METADATA: json.dumps(metadata, indent=2)}
    # Given a path, PyTorch would write its name into the contents, and end the process where no
    # space is left.
    content = io.BytesIO()
    with ignore_deprecation():
        torch.jit.save(script(module), content, _extra_files=extra)
    return content.getvalue()


def load_torchscript(path: Path) -> tuple[torch.jit.ScriptModule, dict[str, Any]]:
    """Load a TorchScript file onto the CPU.

    TorchScript is code: open only files of known origin.

    Returns:
        The module, and the metadata inside the file (empty where there is none).

    Raises:
        TorchScriptError: the file is absent, damaged or not TorchScript, or its metadata are no
            JSON object.
    """
    _check_complete(path)
    extra = {_METADATA: ""}
    try:
        with ignore_deprecation():
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                str(path), map_location="cpu", _extra_files=extra
            )
    except Exception as error:
        # Any type: torch passes on the errors of its compiler and its zip reader.
        raise TorchScriptError(
            f"{path}: cannot be loaded as TorchScript; expected a complete file such as the "
            "model.ts that roilab.train writes. Check the path or export again."
        ) from error
    return module, _read_metadata(path, extra[_METADATA])


def _check_complete(path: Path) -> None:
    """Compare the checksums inside a file, and the one in a ``SHA256SUMS`` beside it."""
    if not path.is_file():
        raise TorchScriptError(
            f"{path}: cannot be loaded as TorchScript: there is no such file. Check the path."
        )
    member = damaged_member(path)
    if member is not None or differs_from_sums(path):
        reason = f"in {member}" if member else f"in {SUMS_FILE} beside it"
        raise TorchScriptError(
            f"{path}: is damaged or was replaced: its checksum does not fit ({reason}). Copy it "
            "again with the files beside it, or export again."
        )


def _read_metadata(path: Path, text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TorchScriptError(
            f"{path}: its metadata {_METADATA} is not JSON ({str(error)[:80]}); export the network "
            "again."
        ) from error
    if not isinstance(metadata, dict):
        raise TorchScriptError(
            f"{path}: its metadata {_METADATA} is {type(metadata).__name__}; expected names with "
            "values. Export the network again."
        )
    return metadata
