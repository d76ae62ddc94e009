"""The file of a network that a path names: a file, or the best one in a folder."""

from pathlib import Path

from roilab.errors import RoilabError
from roilab.run_folder import run_checkpoint


class NetworkFolderError(RoilabError):
    """A folder holds no network, or several."""


def network_file(path: Path) -> Path:
    """Return the file of a network.

    Args:
        path: a file; the folder of a run, for its best checkpoint; or a folder with one
            TorchScript file, such as an exported ``model.ts``.

    Raises:
        NetworkFolderError: the folder holds no network, or several.
    """
    if not path.is_dir():
        return path
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
