"""TensorBoard: numbers against epoch, pictures with a slider over epochs, curves as pictures."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger as LightningTensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from PIL import Image

from roilab.plots import curve_figure, figure_pixels
from roilab.train.loggers.base import ContentLogger, epoch_step
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


class TensorBoardLogger(ContentLogger, LightningTensorBoardLogger):
    """TensorBoard logger; the epoch is the step of everything."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers of an epoch."""
        super().log_metrics(dict(metrics), epoch_step(metrics, step))

    def log_about(self, about: About) -> None:  # noqa: D102
        tags = ", ".join(about.all_tags)
        lines = [about.name, f"tags: {tags}", f"command: {about.command}"]
        self.experiment.add_text("about", "\n\n".join(lines))

    def log_data(self, data: DataSet) -> None:  # noqa: D102
        self.experiment.add_text("data", _code(json.dumps(data.metadata, indent=1)))

    def log_event(self, event: Event, epoch: int) -> None:  # noqa: D102
        self._picture(event.key, _pixels(event.picture), epoch)

    def log_picture(self, picture: Picture, epoch: int) -> None:  # noqa: D102
        self._picture(picture.key, _pixels(picture.path), epoch)

    def log_angles(self, chart: AngleChart, epoch: int) -> None:  # noqa: D102
        figure = curve_figure(chart.curves, chart.quantity)
        self._picture(chart.key, figure_pixels(figure), epoch)

    def log_rows(self, table: Table, epoch: int) -> None:  # noqa: D102
        self.experiment.add_text(table.key, _code(as_text(table.rows)), epoch)

    def log_results(self, results: Mapping[str, float | str]) -> None:  # noqa: D102
        lines = [f"{name}: {value}" for name, value in results.items()]
        self.experiment.add_text("results", "\n\n".join(lines))

    def log_model(self, model: Model) -> None:  # noqa: D102
        paths = [str(path) for path in model.files]
        self.experiment.add_text(f"model/{model.name}", "\n\n".join(paths))

    def _picture(self, key: str, pixels: NDArray[np.uint8], epoch: int) -> None:
        self.experiment.add_image(key, pixels, epoch, dataformats="HWC")


def _pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def _code(text: str) -> str:
    """Return a text as TensorBoard shows it unchanged."""
    return "\n".join(f"    {line}" for line in text.splitlines())
