"""CSV logs that outlast a killed process."""

import os
import shutil

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter


class CsvLogger(CSVLogger):
    """Lightning's, without the moment in which a new column leaves an empty file."""

    @property
    @rank_zero_experiment
    def experiment(self) -> ExperimentWriter:
        """What holds the rows that are not in the file yet."""
        if self._experiment is None:
            os.makedirs(self.root_dir, exist_ok=True)
            self._experiment = _Rows(self.log_dir)
        assert isinstance(self._experiment, ExperimentWriter)
        return self._experiment


class _Rows(ExperimentWriter):
    def save(self) -> None:
        """Append rows; where they have a new column, write a new file and put it in place."""
        path = self.metrics_file_path
        new = {key for row in self.metrics for key in row} - set(self.metrics_keys)
        if not new or not os.path.isfile(path):
            super().save()
            return
        self.metrics_file_path = f"{path}.partial"
        try:
            shutil.copyfile(path, self.metrics_file_path)
            super().save()
            os.replace(self.metrics_file_path, path)
        finally:
            self.metrics_file_path = path
