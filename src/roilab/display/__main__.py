"""``python -m roilab.display``: event displays, waveforms, comparisons, interactive pages."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("display")
def main(config: DictConfig) -> float | None:
    """Draw what the configuration names."""
    from roilab.display.run import display  # torch takes seconds to import

    display(config)
    return None


if __name__ == "__main__":
    main()
