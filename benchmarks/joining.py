"""Time of forward and backward pass: features joined by ``torch.cat`` against roilab's joining.

    python benchmarks/joining.py [--model unet mobilenetv3] [--image 800 600] [--rounds 3]

In bf16 where the CPU computes in it, else in float32; both ways take turns. Printed are medians
and ranges, in seconds.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from omegaconf import OmegaConf

from roilab.freed_memory import reuse_freed_memory
from roilab.models import blocks, build_net
from roilab.models.joining import join_in_training
from roilab.notebook.compose import compose
from roilab.threads import set_threads
from roilab.train.precision import choose_precision


def concatenate(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Join as PyTorch does; the gradients are views."""
    return torch.cat(list(parts), dim=1)


WAYS: dict[str, Callable[..., torch.Tensor]] = {"cat": concatenate, "roilab": join_in_training}


def measure(model: str, image: Sequence[int], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of the passes for every way of joining."""
    config = compose("train", [f"model={model}", "run_dir=."])
    recipe: Any = OmegaConf.to_container(config.model.net, resolve=True)
    net = build_net(recipe)
    net.to(memory_format=torch.channels_last).train()
    layers = torch.rand(1, 3, *image).to(memory_format=torch.channels_last)
    bf16 = choose_precision("cpu")[0] == "bf16-mixed"
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds + 1):  # the first round takes the memory
        for way, join in WAYS.items():
            blocks.join_in_training = join  # type: ignore[attr-defined]
            began = time.perf_counter()
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = net(layers)
            logits.float().square().mean().backward()
            seconds[way].append(time.perf_counter() - began)
    return {way: times[1:] for way, times in seconds.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["unet", "unet_small", "mobilenetv3"])
    parser.add_argument("--image", nargs=2, type=int, default=[800, 600])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    set_threads(None)
    reuse_freed_memory()
    print("| network | torch.cat [s] | roilab [s] | ratio |\n|---|---|---|---|")
    for model in options.model:
        times = measure(model, options.image, options.rounds)
        median = {way: statistics.median(seconds) for way, seconds in times.items()}
        cells = " | ".join(
            f"{median[way]:.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
            for way, seconds in times.items()
        )
        print(f"| {model} | {cells} | {median['roilab'] / median['cat']:.2f} |", flush=True)


if __name__ == "__main__":
    main()
