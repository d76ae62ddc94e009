"""No private module or name of another package is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import roilab

PACKAGE = Path(roilab.__file__).parent
# Private by name, public by documentation: the module of the package jsonnet.
ALLOWED = {"_jsonnet"}


def private_imports(source: str) -> Iterator[str]:
    """Dotted names of imports outside roilab with a part that begins with an underscore."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            private = any(part.startswith("_") and not part.startswith("__") for part in parts)
            if private and parts[0] not in {"roilab", *ALLOWED}:
                yield name


@pytest.mark.parametrize(
    "line",
    [
        "from hydra._internal.utils import get_args",
        "import torch._dynamo",
        "def f():\n    from lightning.pytorch.trainer.connectors import _Private",
    ],
)
def test_private_imports_are_found(line: str) -> None:
    assert list(private_imports(line))


def test_none_in_the_package() -> None:
    paths = sorted(PACKAGE.rglob("*.py"))
    assert len(paths) > 50
    found = {str(path.relative_to(PACKAGE)): list(private_imports(path.read_text()))
             for path in paths}  # fmt: skip
    assert {path: names for path, names in found.items() if names} == {}
