"""``python -m roilab.robustness``: judge networks on variations of the simulated detector."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("robustness")
def main(config: DictConfig) -> None:
    """Simulate and evaluate what the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.robustness.run import judge_robustness

    judge_robustness(config)


if __name__ == "__main__":
    main()
