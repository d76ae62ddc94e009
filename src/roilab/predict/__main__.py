"""``python -m roilab.predict``: find ROIs in frames and write them to frame files."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("predict")
def main(config: DictConfig) -> float | None:
    """Find the ROIs of the frames that the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.predict.run import predict

    predict(config)
    return None


if __name__ == "__main__":
    main()
