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
from roilab.command_line.arguments import expand_home, split
from roilab.command_line.mistakes import check_arguments
from roilab.command_line.paths import expand_paths
from roilab.config import check_config
from roilab.errors import Refused, user_error
from roilab.interruption import Interrupted, interruptible
from roilab.notebook.compose import compose, hydra_on_conf
from roilab.notebook.errors import ApiError
from roilab.object_table import object_html, object_text
from roilab.sweep.job import run_job
from roilab.sweep.output_folder import claims_released
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
        facts |= {"mask_thresh": results.working_point.get("mask_thresh")}
        values = sorted(results.metrics.items())
        # Not a number is null in status.json.
        return facts | {name: "NaN" if v is None else f"{v:.4f}" for name, v in values}


def train(overrides: Sequence[str] = (), *, config_dir: str | Path | None = None) -> TrainedRun:
    """Train a network as ``python -m roilab.train OVERRIDES`` does, in this process.

        run = roilab.train(["model=mobilenetv3", "data.rebin=10"])
        run.metrics["val/dice"]

    Args:
        overrides: arguments of the command line, such as ``data.rebin=10``. Sweeps are for the
            command line.
        config_dir: folder with configuration files of yours, as ``--config-dir``.

    Returns:
        The run: its folder, its metrics, and the best network.

    Raises:
        RoilabError: (its subclasses) any mistake that the user can correct.
        KeyboardInterrupt: the training was interrupted; the text says how to go on.
    """
    arguments = _checked(overrides, config_dir)
    folders: list[Path] = []
    failures: list[Exception] = []

    def job(config: DictConfig) -> None:
        expand_paths(config)
        folders.append(Path(config.run_dir).absolute())
        try:
            check_config(config, "train")
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


def _checked(overrides: Sequence[str], config_dir: str | Path | None) -> list[str]:
    """Return all arguments of Hydra, with ``~`` replaced, if their names exist."""
    if isinstance(overrides, str):
        raise ApiError(f"train({overrides!r}); expected a list: train([{overrides!r}]).")
    options = [text for text in overrides if str(text).startswith("-")]
    if options:
        raise ApiError(
            f"train: {options[0]} is an option of the command line; expected KEY=VALUE only. Run "
            "sweeps by 'python -m roilab.train -m'; name a folder with "
            "configuration files by config_dir."
        )
    arguments = expand_home([str(text) for text in overrides])
    given, search = split(arguments), list[str]()
    if config_dir is not None:
        folder = Path(config_dir).expanduser().absolute()
        search.append(f"hydra.searchpath=['file://{folder}']")
        given.options["--config-dir"] = str(folder)
    check_arguments("train", given, lambda some: _composes([*search, *some]))
    return [*search, *arguments]


def _composes(overrides: Sequence[str]) -> bool:
    try:
        compose("train", overrides)
    except ApiError:
        return False
    return True


def _run_hydra(job: Callable[[DictConfig], None], overrides: list[str]) -> None:
    """Run a job as the command line does: run folder, its lock, ``.hydra``, log, signals."""
    try:
        with hydra_on_conf(), interruptible(quiet=True), claims_released():
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            hydra.run("train", job, overrides)
    except Refused as end:
        raise end.error from None
    except Interrupted as end:  # a notebook would take its SystemExit for its own end
        raise KeyboardInterrupt(str(end)) from None


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
