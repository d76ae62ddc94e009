"""The record of a study: a file in its folder that several processes and machines append to.

Optuna's journal, not SQLite: the folder of a study often lies on a network file system, where the
locks of SQLite do not work. The journal needs only that the system makes a symbolic link for one
process.
"""

import logging
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from roilab.search.errors import SearchError

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

FILE = "study.log"
Direction = Literal["minimize", "maximize"]
_NAME = "roilab"
_PREFIX = "trial-"
# Names of what a trial records beside its values.
PRUNED, ERROR, OWNER, KILLED = "pruned_in_epoch", "error", "owner", "killed"


def check_installed() -> None:
    """Check that Optuna is installed.

    Raises:
        SearchError: it is not.
    """
    if find_spec("optuna") is None:
        raise SearchError(
            "roilab search needs Optuna, which is not installed; install it with "
            "pip install 'roilab[search]'."
        )


def open_study(
    folder: Path, directions: Sequence[Direction] | None = None, **parts: Any
) -> "Study":
    """Open the study in a folder.

    Args:
        folder: of the study.
        directions: of the objectives, to make the study where there is none yet.
        **parts: ``sampler`` and ``pruner``.

    Raises:
        SearchError: the record of the study is damaged.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    logging.getLogger("optuna").setLevel(logging.WARNING)
    # Absolute: Optuna's lock is a link to the file, and looks at the file through it.
    path = (folder / FILE).absolute()
    try:
        storage = JournalStorage(JournalFileBackend(str(path)))
        if directions is None:
            return optuna.load_study(study_name=_NAME, storage=storage, **parts)
        return optuna.create_study(
            study_name=_NAME,
            storage=storage,
            directions=directions,
            load_if_exists=True,
            **parts,
        )
    except (ValueError, KeyError) as error:
        raise SearchError(
            f"{path}: cannot be read ({error}); expected the record of a study that roilab search "
            "has written. Choose another output_dir."
        ) from error


def cut_torn_line(folder: Path) -> None:
    """Remove the end of a line that a machine could not write before it lost power.

    The next line would be added to it, and neither could be read.
    """
    from optuna.storages.journal import JournalFileSymlinkLock

    path = (folder / FILE).absolute()
    if not path.is_file():
        return
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        content = path.read_bytes()
        complete = content.rfind(b"\n") + 1
        if complete < len(content):
            os.truncate(path, complete)
    finally:
        lock.release()


def trial_of(study: "Study", number: int) -> "Trial":
    """Return a trial that runs, to go on with it or to report to it."""
    from optuna.trial import Trial

    (frozen,) = (one for one in study.get_trials(deepcopy=False) if one.number == number)
    return Trial(study, frozen._trial_id)


def trial_name(number: int) -> str:
    """Return the name of a trial's folder, such as ``trial-007``."""
    return f"{_PREFIX}{number:03d}"


def number_of(folder: Path) -> int:
    """Return the number of a trial from its folder."""
    return int(folder.name.removeprefix(_PREFIX))
