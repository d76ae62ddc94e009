"""``python -m roilab.benchmark``: memory and time of networks in WCT's node."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("benchmark")
def main(config: DictConfig) -> float | None:
    """Run the study that the configuration names."""
    from hydra.utils import instantiate  # these, and torch, take seconds to import

    instantiate(config.study)(config)
    return None


if __name__ == "__main__":
    main()
