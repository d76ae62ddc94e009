"""Which process gets which images, and in which order."""

from collections.abc import Iterator
from itertools import islice

from torch.utils.data import DistributedSampler, Sampler


class SkippingSampler(Sampler[int]):
    """Sampler that can leave out the first images.

    Attributes:
        skipped: number of images that the next iteration leaves out.
    """

    skipped: int = 0

    def __iter__(self) -> Iterator[int]:
        return islice(self.order(), self.skipped, None)

    def order(self) -> Iterator[int]:
        """Return the indices of all images of this process."""
        raise NotImplementedError


class ShuffledSampler(SkippingSampler):
    """Images in an order that follows from seed and epoch, distributed over processes.

    Each process gets equally many; some are repeated for that.

    Args:
        length: number of images.
        rank: number of this process.
        world_size: number of processes.
        seed: of the order.
    """

    def __init__(self, length: int, rank: int, world_size: int, seed: int) -> None:
        # Also for one process: the order is then the same with several.
        self._distributed = DistributedSampler(range(length), world_size, rank, seed=seed)  # type: ignore[arg-type,var-annotated]

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self._distributed.set_epoch(epoch)

    def order(self) -> Iterator[int]:  # noqa: D102
        return iter(self._distributed)

    def __len__(self) -> int:
        return len(self._distributed)


class UnrepeatedSampler(SkippingSampler):
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

    def order(self) -> Iterator[int]:  # noqa: D102
        return iter(self.indices)

    def __len__(self) -> int:
        return len(self.indices)
