"""Which process gets which images."""

from collections.abc import Iterator

from torch.utils.data import Sampler


class UnrepeatedSampler(Sampler[int]):
    """Distribute images over processes without repeating any.

    Torch's sampler repeats images so that every process gets equally many; a metric would count
    those twice. An image is repeated here only if there are fewer images than processes, because
    a process without a batch would block the sum over processes.

    Args:
        length: number of images.
        rank: number of this process.
        world_size: number of processes.
    """

    def __init__(self, length: int, rank: int, world_size: int) -> None:
        self.indices = range(rank, length, world_size) or range(rank % length, rank % length + 1)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)
