"""``python -m roilab.sweep.rank FOLDER``: one process of a training, started by roilab only."""

import logging.config
import os
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from omegaconf import DictConfig, OmegaConf

from roilab.atomic_write import write_json
from roilab.errors import message, user_error
from roilab.interruption import Interrupted, interruptible
from roilab.quick_imports import quick_imports


def main() -> None:
    """Train as ``FOLDER/job.yaml`` says; write the results or the error into the same folder."""
    folder, rank = Path(sys.argv[1]), int(os.environ.get("LOCAL_RANK", "0"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # A batch system sends this signal to all processes when time is up; the parent reacts to it.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    settings = OmegaConf.load(folder / "job.yaml")
    assert isinstance(settings, DictConfig)
    _configure_logging(OmegaConf.to_container(settings.logging), rank)
    try:
        with interruptible(quiet=True):
            with quick_imports():
                from roilab.train.run import train

            results = train(settings.config)
    except Interrupted as end:
        _exit(128 + end.number)
    except BaseException as error:
        report = {"time": time.time(), "message": message(error)}
        report["traceback"] = "" if user_error(error) else traceback.format_exc()
        write_json(folder / f"error-{rank}.json", report)
        _exit(1)
    if rank == 0:
        write_json(folder / "results.json", asdict(results))


def _exit(code: int) -> NoReturn:
    """Exit at once; a normal exit may wait for processes that are gone."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


def _end_with_parent() -> None:
    """End this process when its parent is gone, even if that was killed."""
    while os.getppid() == int(os.environ["ROILAB_PARENT"]):
        time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGKILL)


def _configure_logging(settings: Any, rank: int) -> None:
    """Configure logging as Hydra does; only the first process writes the file and information."""
    if rank > 0:
        handlers = {n: h for n, h in settings["handlers"].items() if "filename" not in h}
        names = [name for name in settings["root"]["handlers"] if name in handlers]
        settings["handlers"] = handlers
        settings["root"] |= {"handlers": names, "level": "WARNING"}
    logging.config.dictConfig(settings)


if __name__ == "__main__":
    main()
