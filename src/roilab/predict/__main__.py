"""``python -m roilab.predict``: find ROIs in frames and write them to frame files."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("predict")
def main(config: DictConfig) -> float | None:
    """Find the ROIs of the frames that the configuration names."""
    from roilab.predict.run import predict  # torch takes seconds to import

    predict(config)
    return None


if __name__ == "__main__":
    main()
