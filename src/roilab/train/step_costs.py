"""Memory and time of a step of the training, estimated and measured."""

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from torch.autograd.graph import saved_tensors_hooks

from roilab.metrics import segmentation_metrics
from roilab.tiling import extrapolate
from roilab.train.module import RoiModule

_MEMINFO = Path("/proc/meminfo")
_LONGEST_STEP = 4.0  # of a measured step, expected from a smaller one [s]
_LARGEST_SHARE = 0.5  # of the free memory, for a measured step
_FEWEST_ROWS = 64
_WARM_UP = (64, 96)  # channels x slices
_ROUNDS = 3


@dataclass(frozen=True)
class StepCosts:
    """Costs of one step.

    Attributes:
        shape: images, channels and slices of the measured step.
        pixels: of the measured step, as a share of a complete batch.
        train_s: time of one complete batch [s].
        val_s: time of the validation of one complete batch [s].
        image_bytes: expected memory of the features of one image, kept until the backward pass.
        fixed_bytes: of weights, gradients and the state of the optimizer.
        free_bytes: free memory of the device; ``None`` where it is not known.
    """

    shape: tuple[int, int, int]
    pixels: float
    train_s: float
    val_s: float
    image_bytes: int
    fixed_bytes: int
    free_bytes: int | None


def measure_step(
    module: RoiModule, trainer: Trainer, image: torch.Tensor, truth_mask: torch.Tensor
) -> StepCosts:
    """Measure one step on the training's device; the module is changed by it.

    A step that would take too long or too much memory is measured on fewer images, then fewer
    channels, and its time scaled by the number of pixels.

    Args:
        module: of the training.
        trainer: gives the device and the precision.
        image: one complete batch (batch, layer, channel, slice).
        truth_mask: of it, (batch, 1, channel, slice).
    """
    device, context = trainer.strategy.root_device, trainer.precision_plugin
    image_bytes = activation_bytes(module, image.shape[1], image.shape[2:], context)  # type: ignore[arg-type]
    module.to(device)
    step, free = _Step(module, trainer), _free_bytes(device)
    small = [_crop(tensor, (1, *_WARM_UP)).to(device) for tensor in (image, truth_mask)]
    step.train(*small)
    shape: tuple[int, int, int] = tuple(small[0][:, 0].shape)  # type: ignore[assignment]
    seconds = step.train(*small)
    # Small steps cost more per pixel, so a larger step can turn out to fit.
    for _ in range(_ROUNDS):
        larger = _largest(image, seconds / math.prod(shape), image_bytes, free)
        if math.prod(larger) <= math.prod(shape):
            break
        shape = larger
        batch = [_crop(tensor, shape).to(device) for tensor in (image, truth_mask)]
        seconds = step.train(*batch)
    batch = [_crop(tensor, shape).to(device) for tensor in (image, truth_mask)]
    share = math.prod(shape) / image[:, 0].numel()
    return StepCosts(
        shape=shape,
        pixels=share,
        train_s=seconds / share,
        val_s=step.validate(*batch) / share,
        image_bytes=image_bytes,
        fixed_bytes=step.fixed_bytes(),
        free_bytes=free,
    )


def activation_bytes(
    module: RoiModule, n_layers: int, size: tuple[int, int], precision: Any
) -> int:
    """Return the memory of all features that one image keeps until the backward pass [bytes].

    They are counted on two small images, see ``roilab.tiling.extrapolate``.
    """
    parameters = {p.untyped_storage().data_ptr() for p in module.parameters()}

    def measure(image: torch.Tensor) -> int:
        # Two images: batch norm needs more than one value per feature.
        images, sizes = image.expand(2, *image.shape[1:]).contiguous(), dict[int, int]()

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in parameters:
                sizes[storage.data_ptr()] = storage.nbytes()
            return tensor

        with precision.train_step_context(), saved_tensors_hooks(pack, lambda tensor: tensor):
            logits = module(images).float()
            loss = module.loss(logits, torch.zeros_like(logits))
        del loss
        return sum(sizes.values()) // 2

    return extrapolate(measure, n_layers, size)


class _Step:
    """Steps of training and validation without Lightning's loop; they return their time [s]."""

    def __init__(self, module: RoiModule, trainer: Trainer) -> None:
        self.module, self.precision = module, trainer.precision_plugin
        self.device = trainer.strategy.root_device
        configured: Any = module.configure_optimizers()
        self.optimizer: torch.optim.Optimizer = (
            configured["optimizer"] if isinstance(configured, dict) else configured
        )

    def train(self, image: torch.Tensor, truth_mask: torch.Tensor) -> float:
        self.module.train()
        with self._timed() as times:
            self.optimizer.zero_grad()
            with self._context(training=True):
                loss = self.module.loss(self.module(image).float(), truth_mask)
            loss.backward()
            self.optimizer.step()
        return times[0]

    @torch.no_grad()
    def validate(self, image: torch.Tensor, truth_mask: torch.Tensor) -> float:
        self.module.eval()
        metrics = segmentation_metrics().to(self.device)
        with self._timed() as times:
            with self._context(training=False):
                logits = self.module(image).float()
            metrics.update(self.module.roi_mask(logits), truth_mask > 0)
        return times[0]

    def _context(self, training: bool) -> AbstractContextManager[None]:
        precision = self.precision
        return precision.train_step_context() if training else precision.val_step_context()

    @contextmanager
    def _timed(self) -> Iterator[list[float]]:
        times: list[float] = []
        start = time.perf_counter()
        yield times
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        times.append(time.perf_counter() - start)

    def fixed_bytes(self) -> int:
        """Return the memory of weights, gradients and the state of the optimizer [bytes]."""
        parameters = list(self.module.parameters())
        states = [v for state in self.optimizer.state.values() for v in state.values()]
        tensors = [*parameters, *(p.grad for p in parameters), *states]
        return sum(t.numel() * t.element_size() for t in tensors if isinstance(t, torch.Tensor))


def _crop(tensor: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    images, rows, slices = shape
    return tensor[:images, :, :rows, :slices].contiguous()


def _largest(
    image: torch.Tensor, seconds: float, image_bytes: int, free: int | None
) -> tuple[int, int, int]:
    """Return images, channels and slices of the largest step within the limits.

    ``seconds`` is the expected time per pixel.
    """
    images, _, rows, slices = image.shape

    def too_large() -> bool:
        pixels = images * rows * slices
        memory = image_bytes * pixels / image[0, 0].numel()
        too_much = free is not None and memory > _LARGEST_SHARE * free
        return pixels * seconds > _LONGEST_STEP or too_much

    while images > 1 and too_large():
        images //= 2
    while rows > _FEWEST_ROWS and too_large():
        rows //= 2
    return images, rows, slices


def _free_bytes(device: torch.device) -> int | None:
    """Return the free memory of a device [bytes]."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if not _MEMINFO.is_file():
        return None
    for line in _MEMINFO.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
