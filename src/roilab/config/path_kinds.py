"""Kinds of values that are paths to something that exists."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from roilab.config.kinds import Kind, UnfitError
from roilab.reference_networks import describe_names, find_reference


@dataclass(frozen=True)
class _Path(Kind):
    """A path to something that exists."""

    name: str = ""

    noun = ""

    @property
    def expected(self) -> str:
        return f"a {self.noun} that exists"

    @property
    def stands_for(self) -> str:  # type: ignore[override]
        return self.noun.upper()

    def read(self, value: Any, paths: bool) -> Any:
        if not isinstance(value, str | Path) or not str(value):
            raise UnfitError(f"the path of a {self.noun}")
        path = Path(value).expanduser()
        if paths and not self._exists(path):
            raise UnfitError(self.expected, self._advice(path), near=True)
        return value

    def _exists(self, path: Path) -> bool:
        return path.is_file()

    def _advice(self, path: Path) -> str:
        """Say what there is instead of the path."""
        if path.exists():
            return f"This is {'a folder' if path.is_dir() else 'a file'}."
        missing = path.absolute()
        while not missing.parent.exists():
            missing = missing.parent
        if not missing.parent.is_dir():
            return f"{missing.parent} is a file."
        there = [entry.name for entry in missing.parent.iterdir()]
        close = get_close_matches(missing.name, there, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return f"There is no {missing.name} in {missing.parent}.{hint}"


class File(_Path):
    """A file that exists; ``name`` says which, where it must be given."""

    noun = "file"


class Folder(_Path):
    """A folder that exists; ``name`` says which, where it must be given."""

    noun = "folder"

    def _exists(self, path: Path) -> bool:
        return path.is_dir()


class FileOrFolder(_Path):
    """A file or folder that exists; ``name`` says which, where it must be given."""

    noun = "file or folder"

    @property
    def stands_for(self) -> str:  # type: ignore[override]  # noqa: D102
        return "FILE"

    def _exists(self, path: Path) -> bool:
        return path.exists()


class Network(FileOrFolder):
    """A file or folder of a network, or the name of a reference network."""

    def read(self, value: Any, paths: bool) -> Any:  # noqa: D102
        if isinstance(value, str) and find_reference(value) is not None:
            return value
        return super().read(value, paths)

    def _advice(self, path: Path) -> str:
        return f"{super()._advice(path)} {describe_names()}".strip()
