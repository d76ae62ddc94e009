"""Launchers: jobs side by side and through submitit, in processes of this machine."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roilab.data.shard_index import read_index
from roilab.data.shards import Shards
from roilab.sweep.status import read_status

PLUGINS = [
    ("joblib", "hydra_plugins.hydra_joblib_launcher", "joblib"),
    ("slurm_local", "hydra_plugins.hydra_submitit_launcher", "slurm"),
]


@pytest.mark.cli
@pytest.mark.parametrize(("launcher", "plugin", "extra"), PLUGINS)
def test_launchers(
    run_command: Callable[..., subprocess.CompletedProcess[str]],
    sweep_arguments: list[str],
    tmp_path: Path,
    launcher: str,
    plugin: str,
    extra: str,
) -> None:
    """One job trains, the other fails; both are recorded, images are prepared once."""
    pytest.importorskip(plugin, reason=f"needs pip install 'roilab[{extra}]'")
    done = run_command(
        *("-m", "roilab.train", "-m", *sweep_arguments),
        *("optimizer.lr=0.1,1e30", f"hydra/launcher={launcher}", f"sweep.dir={tmp_path / 'sweep'}"),
    )
    assert done.returncode == 1, done.stderr
    finished, failed = (read_status(tmp_path / "sweep" / f"lr-{lr}") for lr in ("0.1", "1e30"))
    assert finished is not None
    assert failed is not None
    assert (finished.state, failed.state) == ("finished", "failed")
    images = Shards(tmp_path / "cache" / "images")
    images.refresh()
    entries = sum(len(read_index(path, 0)[0]) for path in images.folder.glob("*.index"))
    assert len(images) == entries == 5
