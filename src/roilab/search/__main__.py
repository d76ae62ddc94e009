"""``python -m roilab.search``: search the best settings of a training."""

import sys

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("search")
def _run(config: DictConfig) -> float | None:
    """Search as the configuration says."""
    with quick_imports():  # torch takes seconds
        from roilab.search.run import search

    search(config)
    return None


def main() -> None:
    """Search as the command line says."""
    if {"-m", "--multirun"} & set(sys.argv[1:]):
        sys.exit("roilab search runs many trainings by itself; leave out -m.")
    sys.argv[1:] = ["dry_run=true" if one == "--dry-run" else one for one in sys.argv[1:]]
    _run()


if __name__ == "__main__":
    main()
