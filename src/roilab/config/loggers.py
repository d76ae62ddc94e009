"""Tables of the arguments of loggers, by import path."""

from collections.abc import Mapping

from roilab.config.combined_kinds import Either, Null, Section
from roilab.config.kinds import Choice, Flag, Kind, Text

LOGGERS: Mapping[str, Mapping[str, Kind]] = {
    "roilab.train.loggers.tensorboard.TensorBoardLogger": {
        "save_dir": Text(),
        "name": Null(Text()),
        "default_hp_metric": Flag(),
    },
    "roilab.train.loggers.mlflow.MlflowLogger": {
        "experiment_name": Text(),
        "run_name": Null(Text()),
        "tracking_uri": Text(),
    },
    "roilab.train.loggers.wandb.WandbLogger": {
        "project": Text(),
        "group": Null(Text()),
        "name": Null(Text()),
        "save_dir": Text(),
        "mode": Null(Choice("offline", "online", "disabled")),
        "log_model": Either(Flag(), Choice("all")),
        "settings": Section({"quiet": Flag()}),
    },
    "roilab.train.loggers.csv.CsvLogger": {"save_dir": Text(), "name": Text()},
}
