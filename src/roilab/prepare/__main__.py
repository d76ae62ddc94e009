"""``python -m roilab.prepare``: prepare the images of frames."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("prepare")
def main(config: DictConfig) -> float | None:
    """Prepare the images of the frames that the configuration names."""
    from roilab.prepare.run import prepare  # torch takes seconds to import

    prepare(config)
    return None


if __name__ == "__main__":
    main()
