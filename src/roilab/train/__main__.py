"""``python -m roilab.train``: train a network, evaluate it, export it."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports
from roilab.sweep.callback import with_summary
from roilab.train.dry_run_flag import accepts_dry_run


@accepts_dry_run
@with_summary
@entry_point("train")
def main(config: DictConfig) -> float | None:
    """Train as configured and return the optimized metric."""
    if config.dry_run:
        with quick_imports():  # torch takes seconds
            from roilab.train.dry_run import dry_run

        dry_run(config)
        return None
    from roilab.sweep.job import run_job

    return run_job(config)


if __name__ == "__main__":
    main()
