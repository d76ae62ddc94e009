"""MLflow: numbers against epoch, pictures with a slider over epochs, files as artifacts."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger as LightningMlflowLogger
from lightning.pytorch.utilities import rank_zero_only
from PIL import Image

from roilab.errors import RoilabError
from roilab.plots import curve_figure, figure_pixels
from roilab.train.loggers.base import ContentLogger, epoch_step, finite
from roilab.train.loggers.content import (
    About,
    AngleChart,
    DataSet,
    Event,
    Model,
    Picture,
    Table,
    as_text,
)

_ALLOW_FILES = "MLFLOW_ALLOW_FILE_STORE"  # MLflow writes into a folder only where this is "true"
_MAX_TAG = 5000  # characters


class MlflowError(RoilabError):
    """MLflow is not installed or refuses the run."""


class MlflowLogger(ContentLogger, LightningMlflowLogger):
    """MLflow logger; by default it writes into a folder, and the epoch is the step of everything.

    Args:
        run_name: of the run; ``None`` for the name of ``About``.
        tracking_uri: ``file:FOLDER``, or the address of a server.
        **settings: of Lightning's logger.

    Raises:
        MlflowError: MLflow is not installed or refuses ``tracking_uri``.
    """

    def __init__(self, run_name: str | None, tracking_uri: str, **settings: Any) -> None:
        if tracking_uri.startswith("file:"):
            os.environ.setdefault(_ALLOW_FILES, "true")
        try:
            super().__init__(run_name=run_name, tracking_uri=tracking_uri, **settings)
            client, name = self._mlflow_client, self._experiment_name
            if client.get_experiment_by_name(name) is None:  # of which Lightning would warn
                client.create_experiment(name)
        except ModuleNotFoundError as error:
            raise MlflowError(
                "logger=mlflow: MLflow is not installed; expected the package mlflow-skinny or "
                "mlflow. Install it with pip install 'roilab[mlflow]', or choose another logger."
            ) from error
        except Exception as error:  # any type: MLflow has its own for every kind of store
            raise MlflowError(
                f"logger.mlflow.tracking_uri={tracking_uri}: MLflow refuses it "
                f"({' '.join(str(error).split())}). Name a folder (file:FOLDER) or a server."
            ) from error

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers of an epoch, but not NaN."""
        super().log_metrics(finite(metrics), epoch_step(metrics, step))

    def log_about(self, about: About) -> None:  # noqa: D102
        self._run_name = self._run_name or about.name
        for name, value in {
            **about.labels,
            "tags": ", ".join(about.tags),
            "group": about.group,
            "job_type": about.job_type,
            "command": about.command,
        }.items():
            self._tag(name, value)

    def log_data(self, data: DataSet) -> None:  # noqa: D102
        content = {**data.metadata, "files": [str(path) for path in data.files]}
        self.experiment.log_dict(self.run_id, content, f"{data.name}.json")

    def log_event(self, event: Event, epoch: int) -> None:  # noqa: D102
        self._picture(event.key, event.picture, epoch)

    def log_picture(self, picture: Picture, epoch: int) -> None:  # noqa: D102
        self._picture(picture.key, picture.path, epoch)

    def log_angles(self, chart: AngleChart, epoch: int) -> None:  # noqa: D102
        pixels = figure_pixels(curve_figure(chart.curves, chart.quantity))
        self.experiment.log_image(self.run_id, pixels, key=chart.key, step=epoch, synchronous=True)

    def log_rows(self, table: Table, epoch: int) -> None:  # noqa: D102
        self.experiment.log_text(
            self.run_id, as_text(table.rows), f"{table.key}/epoch{epoch:03d}.csv"
        )

    def log_results(self, results: Mapping[str, float | str]) -> None:  # noqa: D102
        for name, value in results.items():
            self._tag(name, value)

    def log_model(self, model: Model) -> None:  # noqa: D102
        for path in model.files:
            self.experiment.log_artifact(self.run_id, str(path), "model")
        self.experiment.log_dict(self.run_id, dict(model.metadata), "model/metrics.json")

    def _picture(self, key: str, path: Path, epoch: int) -> None:
        with Image.open(path) as picture:
            self.experiment.log_image(self.run_id, picture, key=key, step=epoch, synchronous=True)

    def _tag(self, name: str, value: Any) -> None:
        if value not in (None, ""):
            self.experiment.set_tag(self.run_id, name, str(value)[:_MAX_TAG])
