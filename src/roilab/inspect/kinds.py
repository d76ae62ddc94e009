"""Which arguments of ``roilab inspect`` are networks; needs no torch, which takes seconds."""

from pathlib import Path

from roilab.reference_networks import find_reference

NETWORK_ENDINGS = {
    ".ts": "TorchScript, for the Wire-Cell Toolkit",
    ".ckpt": "checkpoint of a training",
    ".safetensors": "stored network",
    ".json": "description of a network",
}


def is_network(argument: str) -> bool:
    """Return whether an argument names a network, not a file of frames."""
    path = Path(argument)
    named = not path.suffix and find_reference(argument) is not None
    return path.suffix in NETWORK_ENDINGS or named or path.is_dir()
