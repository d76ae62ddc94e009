"""``python -m roilab.benchmark``: memory and time of networks in WCT's node."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("benchmark")
def main(config: DictConfig) -> float | None:
    """Run the study that the configuration names."""
    from hydra.utils import instantiate

    with quick_imports():  # the study imports torch, which takes seconds
        study = instantiate(config.study)
    study(config)
    return None


if __name__ == "__main__":
    main()
