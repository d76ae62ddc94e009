"""``python -m roilab.convert``: write frame files in another container."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("convert")
def main(config: DictConfig) -> float | None:
    """Convert the frame files that the configuration names."""
    from roilab.convert.run import convert  # h5py takes time to import

    convert(config)
    return None


if __name__ == "__main__":
    main()
