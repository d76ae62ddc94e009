"""``python -m roilab.export``: export a checkpoint to the files for WCT."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point
from roilab.quick_imports import quick_imports


@entry_point("export")
def main(config: DictConfig) -> float | None:
    """Export the network that the configuration names."""
    with quick_imports():  # torch takes seconds
        from roilab.export.run import export

    export(config)
    return None


if __name__ == "__main__":
    main()
