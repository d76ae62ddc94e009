"""``python -m roilab.evaluate``: judge a network on tracks and showers of known angle."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("evaluate")
def main(config: DictConfig) -> float | None:
    """Judge what the configuration names."""
    from roilab.evaluate.run import evaluate  # torch takes seconds to import

    evaluate(config)
    return None


if __name__ == "__main__":
    main()
