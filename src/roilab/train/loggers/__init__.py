"""What a run logs, and the loggers that take it: W&B, TensorBoard, MLflow, CSV files.

``content`` describes the contents, ``base`` the methods that a logger has for them. Callbacks hand
contents to all loggers alike; a further logger is a file with a ``ContentLogger``.
"""

from roilab.train.loggers.base import ContentLogger, content_loggers, log_numbers
from roilab.train.loggers.content import About, AngleChart, DataSet, Event, Model, Picture, Table

__all__ = [
    "About",
    "AngleChart",
    "ContentLogger",
    "DataSet",
    "Event",
    "Model",
    "Picture",
    "Table",
    "content_loggers",
    "log_numbers",
]
