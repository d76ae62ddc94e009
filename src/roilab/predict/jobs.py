"""Which frame files are read, and where the ROIs of each are written."""

import glob
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roilab.errors import RoilabError
from roilab.frames import READABLE

_ENDING = re.compile(rf"\.({'|'.join(re.escape(ending) for ending in READABLE)})$")
_REC = re.compile(r"(?<![A-Za-z])rec(?![A-Za-z])")


class PredictError(RoilabError):
    """ROIs of some frames cannot be found or written."""


@dataclass(frozen=True)
class Job:
    """One frame file, and the file for its ROIs."""

    frames: Path
    output: Path

    @property
    def finished(self) -> bool:
        """Whether the output is complete and not older than the frames.

        An incomplete file has another name until it is complete.
        """
        if not self.output.is_file():
            return False
        return self.output.stat().st_mtime >= self.frames.stat().st_mtime


def find_frames(frames: str | Sequence[str], in_folder: str) -> list[Path]:
    """Return the frame files that the user named, each once, in the order of the names.

    Args:
        frames: files, folders or patterns (``**`` for any folders), one or a list.
        in_folder: pattern of names that are taken from a folder.

    Raises:
        PredictError: one of the names gives no frame file.
    """
    named = [frames] if isinstance(frames, str) else list(frames)
    found = [path for name in named for path in _find(os.path.expanduser(name), in_folder)]
    return list({os.path.abspath(path): path for path in found}.values())


def _find(name: str, in_folder: str) -> list[Path]:
    if os.path.isfile(name):
        return [Path(name)]
    folder = os.path.isdir(name)
    matches = Path(name).glob(in_folder) if folder else map(Path, glob.glob(name, recursive=True))
    files = [path for path in sorted(matches) if _ENDING.search(path.name) and path.is_file()]
    if not files:
        what = (
            f"holds no frame file '{in_folder}' (in_folder)"
            if folder
            else "there is no such file or folder, and no frame file fits it as a pattern"
        )
        endings = ", ".join(f".{ending}" for ending in READABLE)
        raise PredictError(
            f"frames={name}: {what}; expected names that end in {endings}. Check the path."
        )
    return files


def list_jobs(frames: Sequence[Path], output_dir: Path, container: str) -> list[Job]:
    """Return one job a frame file.

    Files of several folders are written below their common folder, so that equal names stay apart.

    Args:
        frames: frame files.
        output_dir: folder of the outputs.
        container: of the outputs, one of ``roilab.frames.CONTAINERS``.

    Raises:
        PredictError: two frame files have one output, or an output is one of the frames.
    """
    places = [Path(os.path.abspath(path)) for path in frames]
    common = os.path.commonpath([place.parent for place in places])
    read: dict[Path, Path] = {}
    for path, place in zip(frames, places, strict=True):
        folder = output_dir / place.parent.relative_to(common)
        output = folder / output_name(place.name, container)
        if output in read:
            raise PredictError(
                f"{read[output]} and {path} would both be written to {output}; rename one of them, "
                "or name them in two commands with different output_dir."
            )
        if Path(os.path.abspath(output)) in places:
            raise PredictError(
                f"{path}: its ROIs would replace {output}, which is one of the frames; choose "
                "another output_dir."
            )
        read[output] = path
    return [Job(path, output) for output, path in read.items()]


def output_name(name: str, container: str) -> str:
    """Return the name of the output: ``g4-dnn-0.h5`` for ``g4-rec-0.h5``.

    A name without ``rec`` gets ``-dnn`` at its end.
    """
    stem = _ENDING.sub("", name)
    renamed = _REC.sub("dnn", stem, count=1)
    return f"{renamed if renamed != stem else f'{stem}-dnn'}.{container}"
