"""Compare a run that is resumed with its checkpoint, before anything is written or started."""

import logging
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from roilab.atomic_write import write_text
from roilab.errors import Refused, RoilabError
from roilab.sweep.earlier_run import keep_run
from roilab.train.resume import ResumeError, check_resume


class CheckResume(Callback):
    """Refuse to resume a single run with other settings; its files stay as they are.

    They also do where the run ends before it has trained, see ``earlier_run_kept``.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Refuse a run that cannot be resumed so."""
        if config.resume is None:
            return
        folder = Path(config.hydra.run.dir).absolute()
        composed = config.copy()
        with open_dict(composed):
            del composed["hydra"]
            composed.run_dir = str(folder)
        logging.disable(logging.INFO)  # the run itself logs what it resumes from
        try:
            checkpoint, recipe = _read_recipe(config.resume, folder)
            if checkpoint is not None:
                check_resume(recipe, OmegaConf.to_container(composed, resolve=True))  # type: ignore[arg-type]
        except OmegaConfBaseException:
            return  # the run itself reports a value that is missing
        except RoilabError as error:
            raise Refused(error) from error
        finally:
            logging.disable(logging.NOTSET)
        keep_run(folder)


def check_resumed_job(config: DictConfig) -> None:
    """Refuse to resume a job of a sweep with other settings.

    Hydra has replaced the job's configuration file by then; it is written again.

    Raises:
        ResumeError: a setting cannot change.
        CheckpointError: the checkpoint cannot be read.
    """
    folder = Path(config.run_dir)
    checkpoint, recipe = _read_recipe(config.resume, folder)
    if checkpoint is None:
        return
    try:
        check_resume(recipe, OmegaConf.to_container(config, resolve=True))  # type: ignore[arg-type]
    except ResumeError:
        write_text(folder / ".hydra" / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(recipe)))
        raise


def _read_recipe(resume: str | None, folder: Path) -> tuple[Path | None, dict[str, Any]]:
    """Return the checkpoint to resume from, if there is one, and its recipe."""
    from roilab.inference import read_checkpoint  # torch takes seconds to import
    from roilab.train.checkpoint import resume_from

    checkpoint = resume_from(resume, folder)
    return checkpoint, {} if checkpoint is None else read_checkpoint(checkpoint)["roilab_recipe"]
