"""CSV log that survives a killed process."""

import os
import shutil
from pathlib import Path

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.utilities import rank_zero_only

from roilab.atomic_write import atomic_write, explain_full_disk, write_csv
from roilab.train.loggers.base import ContentLogger
from roilab.train.loggers.content import Table
from roilab.types import Row


class CsvLogger(ContentLogger, CSVLogger):
    """Lightning's CSV logger with an atomic rewrite of the file when a column is added.

    Lightning empties the file first, so a process killed at that moment loses the log. Tables are
    written beside it, one file each, with the epoch as first column. Pictures and the exported
    network are files of the run already.
    """

    def __init__(self, save_dir: str, name: str) -> None:
        super().__init__(save_dir=save_dir, name=name)
        self._tables: dict[str, list[Row]] = {}

    @rank_zero_only
    def log_rows(self, table: Table, epoch: int) -> None:
        """Write the rows of all epochs so far."""
        rows = self._tables.setdefault(table.key, [])
        rows += [{"epoch": epoch, **row} for row in table.rows]
        path = Path(self.log_dir, f"{table.key.replace('/', '_')}.csv")
        write_csv(path, rows)

    @property
    @rank_zero_experiment
    def experiment(self) -> ExperimentWriter:
        """Writer that holds the rows that are not in the file yet."""
        if self._experiment is None:
            os.makedirs(self.root_dir, exist_ok=True)
            self._experiment = _AtomicWriter(self.log_dir)
        assert isinstance(self._experiment, ExperimentWriter)
        return self._experiment


class _AtomicWriter(ExperimentWriter):
    def save(self) -> None:
        """Append the rows; if they have a new column, replace the file by a rewritten copy.

        Raises:
            DiskFullError: no space is left.
        """
        with explain_full_disk(Path(self.metrics_file_path), "its earlier lines are kept"):
            self._save()

    def _save(self) -> None:
        path = self.metrics_file_path
        new_columns = {key for row in self.metrics for key in row} - set(self.metrics_keys)
        if not new_columns or not os.path.isfile(path):
            super().save()
            return
        try:
            with atomic_write(Path(path)) as partial:
                shutil.copyfile(path, partial)
                self.metrics_file_path = str(partial)
                super().save()
        finally:
            self.metrics_file_path = path
