"""Versions of the code that makes a result: packages, and the commit of the checkout."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import roilab

_PACKAGES = ("torch", "lightning", "timm")


def package_versions() -> dict[str, str]:
    """Return the versions of roilab and of the packages that change its numbers.

    They are read from the installed packages; none is imported.
    """
    versions = {"roilab": roilab.__version__}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def git_commit() -> str | None:
    """Return the commit of the checkout that roilab runs from; ``None`` where it is installed.

    It ends in ``-dirty`` where the checkout has changes that are not committed.
    """
    return _describe(Path(__file__).parents[2])


@cache  # of a process that goes on: the commit from which it imported roilab
def _describe(repository: Path) -> str | None:
    if not (repository / ".git").exists():
        return None
    command = ["git", "-C", str(repository), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
