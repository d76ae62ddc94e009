"""``python -m roilab.export``: a checkpoint as the files that WCT takes."""

from omegaconf import DictConfig

from roilab.entry_point import entry_point


@entry_point("export")
def main(config: DictConfig) -> float | None:
    """Export what the configuration names."""
    from roilab.export.run import export  # torch takes seconds to import

    export(config)
    return None


if __name__ == "__main__":
    main()
