"""Which process looks at which images."""

from collections.abc import Iterator

from torch.utils.data import Sampler


class EachOnce(Sampler[int]):
    """Shares images out over processes without repeating any.

    Torch's own sampler repeats images to give every process equally many, and so counts them
    twice in a metric. Only where there are fewer images than processes is one repeated here,
    because a process without any batch would not take part in the sum.
    """

    def __init__(self, length: int, rank: int, world_size: int) -> None:
        self.indices = range(rank, length, world_size) or range(rank % length, rank % length + 1)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)
