"""``python -m roilab.simulate``: simulate a sample of events."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from roilab.entry_point import entry_point


@entry_point("simulate")
def main(config: DictConfig) -> None:
    """Simulate the sample of the configuration."""
    from roilab.simulate import make_sample  # scipy and h5py take time to import
    from roilab.simulate.file_jobs import check_processes

    check_processes(config.processes)
    sample: Any = OmegaConf.to_container(config.simulation, resolve=True)
    if config.output == "depos":  # a sample of frames has no such entry
        sample["output"] = "depos"
    make_sample(sample, Path(config.output_dir), config.processes)


if __name__ == "__main__":
    main()
