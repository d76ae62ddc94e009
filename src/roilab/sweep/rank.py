"""``python -m roilab.sweep.rank FOLDER``: one process of a training; started by roilab alone."""

import logging.config
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.sweep.job import mendable, sentence_of
from roilab.sweep.status import write_json


def main() -> None:
    """Train as ``FOLDER/job.yaml`` says; tell results or error in the same folder."""
    place, rank = Path(sys.argv[1]), int(os.environ.get("LOCAL_RANK", "0"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # A batch system tells all processes that time is up; the one that started this acts on it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    settings = OmegaConf.load(place / "job.yaml")
    assert isinstance(settings, DictConfig)
    _configure_logging(OmegaConf.to_container(settings.logging), rank)
    try:
        from roilab.train.run import train

        results = train(settings.config)
    except BaseException as error:
        told = {"time": time.time(), "sentence": sentence_of(error)}
        told["traceback"] = "" if mendable(error) else traceback.format_exc()
        write_json(place / f"error-{rank}.json", told)
        logging.shutdown()
        sys.stderr.flush()
        # Not by way of the interpreter's end, which may wait for processes that are gone.
        os._exit(1)
    if rank == 0:
        write_json(place / "results.json", asdict(results))


def _end_with_parent() -> None:
    """End when the process is gone that started this one, however it was killed."""
    while os.getppid() == int(os.environ["ROILAB_PARENT"]):
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGKILL)


def _configure_logging(settings: Any, rank: int) -> None:
    """As Hydra does; the first process alone writes the file and tells of what goes well."""
    if rank > 0:
        handlers = settings["handlers"]
        settings["root"]["handlers"] = [name for name in settings["root"]["handlers"]
                                        if "filename" not in handlers[name]]  # fmt: skip
        settings["handlers"] = {n: h for n, h in handlers.items() if "filename" not in h}
        settings["root"]["level"] = "WARNING"
    logging.config.dictConfig(settings)


if __name__ == "__main__":
    main()
