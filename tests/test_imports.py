"""Imports run in one direction: the order of packages, and no circle between two of them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import roilab

PACKAGE = Path(roilab.__file__).parent
# Lowest floor first. A package may import from its floor and from floors below.
FLOORS = (
    {
        *("roilab", "errors", "building", "types", "console", "csv_log", "atomic_write"),
        *("checksum", "threads", "log_file", "process_pool", "plain_command", "quick_imports"),
        *("peak_memory", "freed_memory", "command_line", "faults", "folder_lock", "interruption"),
        *(
            "callable_package",
            "closed_pipe",
            "object_table",
            "run_folder",
            "versions",
            "event_image",
        ),
        "reference_networks",
    },
    {"plots", "metrics", "wirecell", "frames", "detectors", "verdict"},
    {"config", "data", "models", "simulate", "planes"},
    {"tiling"},
    {"inference"},
    {"model_card"},
    {"train", "export"},
    {
        *("inspect", "convert", "sample", "prepare", "evaluate", "predict", "display", "report"),
        *("benchmark", "dashboard", "diff", "robustness"),
    },
    {"networks"},
    {"sweep"},
    {"search"},
    {"entry_point", "api", "notebook", "cli", "command"},
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}


def package_of(module: str) -> str:
    """Return the top package of a module; every ``__main__`` is a command of the user."""
    parts = module.split(".")
    if parts[-1] == "__main__":
        return "command"
    return parts[1] if len(parts) > 1 else parts[0]


def imported_modules(source: str) -> Iterator[str]:
    """Yield the roilab modules that a file imports, also inside functions, without running it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "roilab")


def arrows() -> set[tuple[str, str, str]]:
    """Return (file, importing package, imported package) for all imports between packages."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(("roilab", *path.relative_to(PACKAGE).with_suffix("").parts))
        importer = package_of(module.removesuffix(".__init__"))
        for name in imported_modules(path.read_text()):
            # roilab/__init__.py imports the public API, on first use.
            if package_of(name) != importer and importer != "roilab":
                found.add((str(path.relative_to(PACKAGE)), importer, package_of(name)))
    return found


def test_every_package_has_a_floor() -> None:
    names = {importer for _, importer, _ in arrows()} | {name for _, _, name in arrows()}
    assert names <= set(FLOOR_OF)


def test_no_import_runs_upwards() -> None:
    upwards = [arrow for arrow in arrows() if FLOOR_OF[arrow[2]] > FLOOR_OF[arrow[1]]]
    assert not upwards


def test_no_circle() -> None:
    edges = {(importer, imported) for _, importer, imported in arrows()}
    left = {name for edge in edges for name in edge}
    while left:
        free = {name for name in left if not any(a == name and b in left for a, b in edges)}
        assert free, f"these import each other in a circle: {sorted(left)}"
        left -= free


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import roilab.frames.base", ["roilab.frames.base"]),
        ("def f():\n    from roilab.sweep import job", ["roilab.sweep"]),
        ("import numpy\nfrom os import path", []),
    ],
)
def test_the_walk_finds_imports(source: str, expected: list[str]) -> None:
    assert list(imported_modules(source)) == expected
