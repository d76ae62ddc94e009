"""``python -m roilab.display``: event displays, waveforms, comparisons, interactive pages."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("display")
def main(config: DictConfig) -> float | None:
    """Draw what the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.display.run import display

    display(config)
    return None


if __name__ == "__main__":
    main()
