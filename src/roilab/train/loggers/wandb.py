"""W&B: charts against epoch, mask overlays, curves against angle, versioned artifacts."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import WandbLogger as LightningWandbLogger
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray

from roilab.errors import RoilabError
from roilab.metrics import segmentation_metrics
from roilab.plots import charge_pixels
from roilab.train.loggers.base import ContentLogger, finite
from roilab.train.loggers.content import (
    About,
    AngleChart,
    DataSet,
    Event,
    Model,
    Picture,
    Table,
    best_of,
    name_in,
)

if TYPE_CHECKING:
    import wandb

_MASKS = {"truth": 1, "prediction": 2}  # class of every mask: other colours in the overlay
_MEAN_NUMBERS = ("bias_size", "resolution", "inefficiency", "roi_purity")
_MAX_FILES = 1000  # of the data that are listed one by one


class WandbError(RoilabError):
    """W&B cannot be used as configured."""


class WandbLogger(ContentLogger, LightningWandbLogger):
    """W&B logger; offline it needs no account.

    Args:
        name: of the run; ``None`` for the name of ``About``.
        mode: ``online``, ``offline`` or ``disabled``; ``None`` for that of the environment variable
            ``WANDB_MODE``, or else ``offline``.
        save_dir: folder of the records.
        **settings: of Lightning's logger and of ``wandb.init``.

    Raises:
        WandbError: the mode is ``online``, and there is no account on this machine.
    """

    def __init__(self, name: str | None, mode: str | None, save_dir: str, **settings: Any) -> None:
        mode = mode or os.environ.get("WANDB_MODE") or "offline"
        super().__init__(name=name, mode=mode, save_dir=save_dir, **settings)
        if mode == "online":
            _check_account()
        # Files of artifacts of an offline run stay with the run.
        os.environ.setdefault("WANDB_DATA_DIR", str(Path(save_dir).absolute() / "wandb"))

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The run, begun on first use, with the epoch as the axis of all charts.

        Raises:
            WandbError: W&B refuses the run or cannot be reached.
        """
        if self._experiment is None:
            self._experiment = _begin(self._wandb_init)
        return self._experiment

    @rank_zero_only
    def log_about(self, about: About) -> None:  # noqa: D102
        given = self._wandb_init
        given["name"] = given["name"] or about.name
        given["group"] = given.get("group") or about.group
        given |= {"job_type": about.job_type, "tags": about.all_tags}
        run = {"command": about.command, "versions": dict(about.versions)}
        self.experiment.config.update({"run": {**about.labels, **run}})

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers, but not NaN: it cannot be drawn, and would be the best value for ever."""
        super().log_metrics(finite(metrics), step)

    def log_data(self, data: DataSet) -> None:  # noqa: D102
        import wandb

        artifact = wandb.Artifact(data.name, type="dataset", metadata=dict(data.metadata))
        listed = {data.folder.name: data.folder}
        if len(data.files) <= _MAX_FILES:
            listed = {name_in(data.folder, path): path for path in data.files}
        for name, path in listed.items():
            # Without a checksum, which would read all files.
            artifact.add_reference(path.absolute().as_uri(), name=name, checksum=False)
        run = self.experiment
        # W&B takes an artifact as an input of a run only online.
        use = run.log_artifact if run.settings.mode != "online" else run.use_artifact
        use(artifact)

    def log_event(self, event: Event, epoch: int) -> None:  # noqa: D102
        import wandb

        masks = {
            name: {"mask_data": mask.astype(np.uint8) * number, "class_labels": {number: name}}
            for (name, number), mask in zip(
                _MASKS.items(), (event.truth_mask, event.roi_mask), strict=True
            )
        }
        pixels: NDArray[np.uint8] = charge_pixels(event.layer)
        panels = event.key.replace("events/", "panels/", 1)
        self._log(
            {
                event.key: wandb.Image(pixels, caption=event.caption, masks=masks),
                panels: wandb.Image(str(event.picture), caption=event.caption),
            },
            epoch,
        )

    def log_angles(self, chart: AngleChart, epoch: int) -> None:  # noqa: D102
        import wandb

        curves = chart.curves
        drawn = wandb.plot.line_series(
            xs=[[angle for angle, _ in points] for points in curves.values()],
            ys=[[value for _, value in points] for points in curves.values()],
            keys=list(curves),
            title=f"{chart.label}, {chart.place}",
            xname="theta_xz [deg]",
        )
        self._log({chart.key: drawn}, epoch)

    def log_rows(self, table: Table, epoch: int) -> None:  # noqa: D102
        import wandb

        columns: list[str | int] = list(table.rows[0])
        cells = [[_plain(row[str(column)]) for column in columns] for row in table.rows]
        self._log({table.key: wandb.Table(columns=columns, data=cells)}, epoch)

    def log_picture(self, picture: Picture, epoch: int) -> None:  # noqa: D102
        import wandb

        self._log({picture.key: wandb.Image(str(picture.path), caption=picture.caption)}, epoch)

    def log_results(self, results: Mapping[str, float | str]) -> None:  # noqa: D102
        self.experiment.summary.update(dict(results))

    def log_model(self, model: Model) -> None:  # noqa: D102
        import wandb

        artifact = wandb.Artifact(model.name, type="model", metadata=_plain(model.metadata))
        for path in model.files:
            artifact.add_file(str(path), policy="immutable")  # not copied
        self.experiment.log_artifact(artifact, aliases=list(model.aliases))

    def close(self, failed: bool) -> None:
        """End the run; an open one would record the next training of this process too."""
        if self._experiment is not None:
            self._experiment.finish(exit_code=int(failed))

    def _log(self, values: Mapping[str, Any], epoch: int) -> None:
        self.experiment.log({**values, "epoch": epoch})


def _check_account() -> None:
    """Check that W&B knows an account, without asking for one.

    Raises:
        WandbError: it knows none.
    """
    import wandb

    if os.environ.get("WANDB_MODE") not in (None, "", "online"):
        return  # W&B would not look for an account; beginning the run does
    try:
        known = wandb.login(prompt=False)
    except wandb.errors.Error as error:
        raise WandbError(_refusal(error)) from error
    if not known:
        raise WandbError(
            "logger.wandb.mode=online: no W&B account is known on this machine; expected the key "
            "of one. Log in with 'wandb login', set WANDB_API_KEY, or log offline "
            "(logger.wandb.mode=offline) and send the run later with 'wandb sync'."
        )


def _refusal(error: Exception) -> str:
    return (
        f"logger.wandb: W&B does not begin a run ({' '.join(str(error).split())}). Check the "
        "account and the network, or log offline (logger.wandb.mode=offline) and send the run "
        "later with 'wandb sync'."
    )


def _begin(arguments: Mapping[str, Any]) -> "wandb.Run":
    """Begin a run, and define axis and best values of its metrics.

    Raises:
        WandbError: W&B refuses it.
    """
    import wandb

    # "anonymous" comes from Lightning, and W    # "create_new": a runB warns of it.
    # "create_new": a run that a notebook has begun itself is neither used nor ended.
    arguments = {key: value for key, value in arguments.items() if key != "anonymous"}
    settings = {"reinit": "create_new", **(arguments.get("settings") or {})}
    try:
        run = wandb.init(**{**arguments, "settings": settings})
    except (wandb.errors.Error, TimeoutError) as error:
        raise WandbError(_refusal(error)) from error
    for axis in ("epoch", "trainer/global_step"):
        run.define_metric(axis, hidden=True)
    run.define_metric("*", step_metric="epoch")
    for name in _epoch_metrics():
        run.define_metric(name, step_metric="epoch", summary=best_of(name))
    return run


def _epoch_metrics() -> list[str]:
    """Return the numbers of every epoch whose best value W&B is to keep."""
    losses = [f"{stage}/loss" for stage in ("train", "val")]
    masks = [f"val/{name}" for name in segmentation_metrics()]
    return [*losses, *masks, *(f"physics/{name}" for name in _MEAN_NUMBERS)]


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: NaN is no number there."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
