"""``python -m roilab.train``: train a network, judge it, export it."""

from omegaconf import DictConfig

from roilab.cli import entry_point


@entry_point("train")
def main(config: DictConfig) -> float | None:
    """Train what the configuration describes; returns the optimized metric."""
    from roilab.training import train  # torch and lightning take seconds to import

    return train(config)


if __name__ == "__main__":
    main()
