"""``python -m roilab.evaluate``: judge a network on tracks and showers of known angle."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("evaluate")
def main(config: DictConfig) -> float | None:
    """Judge what the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.evaluate.run import evaluate

    evaluate(config)
    return None


if __name__ == "__main__":
    main()
