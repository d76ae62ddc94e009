"""Which frame files are for training, validation and test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roilab.errors import RoilabError
from roilab.frames.pairs import FilePair, match_files

Stage = Literal["train", "val", "test"]


class FileSelectionError(RoilabError):
    """A named file is absent, or is named for the training and another stage."""


@dataclass(frozen=True)
class FileSelection:
    """Frame files by stage, from the keys of ``conf/data`` (``named``: ``STAGE_files``)."""

    dir: Path
    rec: str
    tru: str
    named: Mapping[Stage, Sequence[str] | None]

    def pairs(self, everything: Sequence[FilePair] | None = None) -> dict[Stage, list[FilePair]]:
        """Return the file pairs of every stage that names some, and those of the training.

        Training takes all files that no other stage names, unless it names some.

        Args:
            everything: file pairs to choose from, which need not exist any more; ``None`` for
                those of the folder, and others that are named.

        Raises:
            FrameFileError: files do not pair.
            FileSelectionError: a named file is absent, or is named twice.
        """
        anywhere = everything is None
        if everything is None:
            everything = match_files(self.dir, self.rec, self.tru)
        stages = {
            stage: self._matching(everything, stage, names, anywhere)
            for stage, names in self.named.items()
            if names
        }
        _check_apart(stages)
        others = [pair for pairs in stages.values() for pair in pairs]
        return {"train": [pair for pair in everything if pair not in others], **stages}

    def _matching(
        self, everything: Sequence[FilePair], stage: str, names: Sequence[str], anywhere: bool
    ) -> list[FilePair]:
        """Return the file pairs whose reconstruction file matches one of the names."""
        chosen: list[FilePair] = []
        for name in names:
            path = Path(name).expanduser()
            # A name with folders may be below dir, or anywhere.
            pairs, pattern = everything, str(path)
            known = any(pair.rec.match(pattern) for pair in pairs)
            if anywhere and (path.is_absolute() or not known):
                elsewhere = path.parent != Path()
                pairs = match_files(path.parent, self.rec, self.tru) if elsewhere else everything
                pattern = path.name
            matching = [pair for pair in pairs if pair.rec.match(pattern)]
            if not matching:
                raise FileSelectionError(
                    f"data.{stage}_files: '{name}' is none of the reconstruction files in "
                    f"{self.dir if pairs is everything else path.parent} "
                    f"({', '.join(pair.name for pair in pairs)}); name one of these."
                )
            chosen += [pair for pair in matching if pair not in chosen]
        return chosen


def _check_apart(stages: Mapping[Stage, Sequence[FilePair]]) -> None:
    """Check that no training file is named for another stage: its metrics would be too good."""
    for other in stages.keys() - {"train"}:
        shared = [pair.rec.name for pair in stages.get("train", ()) if pair in stages[other]]
        if shared:
            raise FileSelectionError(
                f"data.train_files and data.{other}_files both name {', '.join(shared)}; expected "
                "no file in both. Remove it from one."
            )
