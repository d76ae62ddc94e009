"""Figures of a model card."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from roilab.atomic_write import atomic_write
from roilab.verdict import PhysicsTable


def find_figures(run_dir: Path, tables: Sequence[PhysicsTable]) -> list[str]:
    """Return the figures in the folder of a run, as paths relative to it.

    These are losses, charge metrics of the given tables, and the validation events of the run's
    page.
    """
    folders = [folder for table in tables for folder in (table.path.parent, _beside(table.path))]
    found = [
        *run_dir.glob("pictures/loss.png"),
        *(path for folder in folders for path in sorted(folder.glob("*.png"))),
        *sorted(run_dir.glob("pictures/*-by-roi-efficiency.png")),
    ]
    return [path.relative_to(run_dir).as_posix() for path in found]


def _beside(table: Path) -> Path:
    return table.parent / "figures"


def copy_figures(source: Path, names: Sequence[str], target: Path, links: Sequence[str]) -> None:
    """Copy figures to where a card links them.

    Args:
        source: folder of the figures.
        names: their paths in it.
        target: folder of the card.
        links: of the card, in the same order.

    Raises:
        OSError: a file cannot be read or written.
    """
    for name, link in zip(names, links, strict=True):
        with atomic_write(target / link) as partial:
            shutil.copyfile(source / name, partial)
