"""The file of a network that a path or a name stands for."""

import logging
from pathlib import Path

from roilab.errors import RoilabError
from roilab.reference_networks import describe_names, find_reference
from roilab.run_folder import run_checkpoint

log = logging.getLogger(__name__)


class NetworkFolderError(RoilabError):
    """A folder holds no network, or several."""


class NetworkNameError(RoilabError):
    """There is neither a file nor a reference network of this name."""


def network_file(network: str | Path) -> Path:
    """Return the file of a network.

    The name of a reference network comes before a file or folder of the same name, so that a
    command does not depend on the folder that it is started in; ``./NAME`` is the file.

    Args:
        network: name of a reference network; a file; the folder of a run, for its best
            checkpoint; or a folder with one TorchScript file, such as an exported ``model.ts``. A
            ``Path`` is never a name.

    Raises:
        NetworkNameError: there is no such file and no such name.
        NetworkFolderError: the folder holds no network, or several.
    """
    path = Path(network)
    if isinstance(network, str) and (reference := find_reference(network)) is not None:
        if path.exists():
            log.warning(
                "network=%s: the reference network is taken; write ./%s for the file or folder of "
                "that name here.",
                network,
                network,
            )
        return reference
    if not path.exists() and not path.suffix:
        raise NetworkNameError(
            f"{network}: there is no such file, folder or reference network. {describe_names()} "
            "Check the path, or name one of these."
        )
    return _in_folder(path) if path.is_dir() else path


def _in_folder(path: Path) -> Path:
    checkpoint = run_checkpoint(path)
    if checkpoint is not None:
        return checkpoint
    exported = sorted(path.glob("*.ts"))
    if len(exported) == 1:
        return exported[0]
    if exported:
        names = ", ".join(file.name for file in exported)
        raise NetworkFolderError(f"{path}: holds several networks ({names}); name one of them.")
    if (path / "sweep.json").is_file():
        raise NetworkFolderError(
            f"{path}: is the folder of a sweep; name the folder of one of its jobs."
        )
    raise NetworkFolderError(
        f"{path}: holds no network; expected the folder of a run, with checkpoints/best*.ckpt, or "
        "an exported folder, with model.ts. Name another, or a file."
    )
