"""``python -m roilab.export``: export a checkpoint to the files for WCT."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("export")
def main(config: DictConfig) -> float | None:
    """Export the network that the configuration names."""
    from roilab.export.run import export  # torch takes seconds to import

    export(config)
    return None


if __name__ == "__main__":
    main()
