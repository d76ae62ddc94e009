"""A trained network and samples, which the commands of several themes read."""

from dataclasses import dataclass
from pathlib import Path

from finding import TRAINING, make_sample, run_well


@dataclass(frozen=True)
class Inputs:
    """Folders of a sample of muons, of a sample of tracks, and of a run of two epochs."""

    frames: Path
    tracks: Path
    run: Path

    @property
    def training(self) -> tuple[str, ...]:
        """Arguments of a training of two epochs."""
        return (*TRAINING, "trainer.max_epochs=2", f"data.dir={self.frames}")

    def verbs(self) -> dict[str, tuple[str, ...]]:
        """Return the arguments of commands that read a network or frames, without their output."""
        network = f"network={self.run}"
        return {
            "evaluate": (network, f"sample={self.tracks}"),
            "export": (network,),
            "predict": (network, f"frames={self.frames}"),
            "prepare": ("data=small", f"data.dir={self.frames}", "data.num_workers=0"),
            "display": (network, f"rec={self.frames / 'g4-rec-0.h5'}"),
        }


def make_inputs(top: Path) -> Inputs:
    """Simulate both samples and train the network, in folders in ``top``."""
    inputs = Inputs(make_sample(top / "frames"), top / "tracks", top / "run")
    tracks = ("simulation=demo_tracks", "simulation.events=2", "simulation.events_per_file=2")
    run_well("simulate", *tracks, f"output_dir={inputs.tracks}")
    run_well("train", *inputs.training, f"output_dir={inputs.run}")
    return inputs
