"""A training from a notebook, with the run folder of the command."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

import roilab
from roilab.errors import user_error
from roilab.notebook.compose import hydra_on_conf
from roilab.notebook.errors import ApiError
from roilab.object_table import object_html, object_text
from roilab.sweep.job import run_job
from roilab.sweep.status import read_status
from roilab.train.results import Results

if TYPE_CHECKING:
    from roilab.inference import Network

Facts = dict[str, object]


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes:
        folder: of the run, with its checkpoints, ``model.ts``, ``report.html``, ...
        results: as ``status.json`` holds them.
    """

    folder: Path
    results: Results

    @property
    def metrics(self) -> Mapping[str, float]:
        """Metrics of the best checkpoint by name: ``val/loss``, ``val/dice``, ..."""
        return self.results.metrics

    @cached_property
    def network(self) -> "Network":
        """The network of the best checkpoint, loaded on first use.

        Raises:
            RoilabError: (its subclasses) the run wrote no checkpoint.
        """
        network: Network = roilab.load(self.folder)
        return network

    def __repr__(self) -> str:
        return object_text(self, self._facts())

    def _repr_html_(self) -> str:
        return object_html(self, self._facts())

    def _facts(self) -> Facts:
        results = self.results
        facts: Facts = {"folder": self.folder, "epochs": results.epochs}
        facts |= {"best epoch": results.best_epoch, "parameters": f"{results.parameters:,}"}
        values = sorted(results.metrics.items())
        # Not a number is null in status.json.
        return facts | {name: "NaN" if v is None else f"{v:.4f}" for name, v in values}


def train(overrides: Sequence[str] = ()) -> TrainedRun:
    """Train a network as ``python -m roilab.train OVERRIDES`` does, in this process.

        run = roilab.train(["model=mobilenetv3", "data.rebin=10"])
        run.metrics["val/dice"]

    Args:
        overrides: arguments of the command line, such as ``data.rebin=10``; folders with files of
            yours by ``hydra.searchpath=[FOLDER]``. Sweeps are for the command line.

    Returns:
        The run: its folder, its metrics, and the best network.

    Raises:
        RoilabError: (its subclasses) any mistake that the user can correct.
    """
    arguments = _checked(overrides)
    folders: list[Path] = []
    failures: list[Exception] = []

    def job(config: DictConfig) -> None:
        folders.append(Path(config.run_dir).absolute())
        try:
            run_job(config)
        except Exception as error:  # raised below: Hydra would print a line about it
            failures.append(error)

    with _root_logger_restored():
        _run_hydra(job, arguments)
    for failure in failures:
        if (known := user_error(failure)) is not None:
            raise known
        raise failure
    status = read_status(folders[0])
    assert status is not None
    assert status.results is not None
    return TrainedRun(folders[0], status.results)


def _checked(overrides: Sequence[str]) -> list[str]:
    if isinstance(overrides, str):
        raise ApiError(f"train({overrides!r}); expected a list: train([{overrides!r}]).")
    options = [text for text in overrides if str(text).startswith("-")]
    if options:
        raise ApiError(
            f"train: {options[0]} is an option of the command line; expected KEY=VALUE only. Run "
            "sweeps by 'python -m roilab.train -m'; name folders of configuration files by "
            "hydra.searchpath=[FOLDER]."
        )
    return [str(text) for text in overrides]


def _run_hydra(job: Callable[[DictConfig], None], overrides: list[str]) -> None:
    """Run a job as the command line does: run folder, ``.hydra``, log."""
    with hydra_on_conf():
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.run("train", job, overrides)


@contextmanager
def _root_logger_restored() -> Iterator[None]:
    """Give the notebook its handlers of the root logger back, and close those of the run."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:] = handlers
        root.setLevel(level)
