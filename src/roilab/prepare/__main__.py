"""``python -m roilab.prepare``: prepare the images of frames."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("prepare")
def main(config: DictConfig) -> float | None:
    """Prepare the images of the frames that the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.prepare.run import prepare

    prepare(config)
    return None


if __name__ == "__main__":
    main()
