"""Time of an optimizer's step on the CPU: PyTorch's default against ``fused=true``.

    python benchmarks/optimizers.py [--model mobilenetv3 unet] [--optimizer sgd adamw] [--rounds 20]

Printed are milliseconds, medians; plain and fused steps take turns.
"""

import argparse
import statistics
import time

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from roilab.models import build_net
from roilab.notebook.compose import compose
from roilab.threads import set_threads


def milliseconds(model: str, name: str, rounds: int) -> tuple[int, float, float]:
    """Return the number of weights, and the time of a step without and with ``fused``."""
    config = compose("train", [f"model={model}", f"optimizer={name}", "run_dir=."])
    nets = [build_net(OmegaConf.to_container(config.model.net, resolve=True)) for _ in range(2)]
    optimizers = []
    for net, fused in zip(nets, (None, True), strict=True):
        for parameter in net.parameters():
            parameter.grad = torch.randn_like(parameter)
        optimizers.append(instantiate(config.optimizer, fused=fused)(net.parameters()))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):  # the first round allocates the state
        for optimizer, seconds in zip(optimizers, times, strict=True):
            began = time.perf_counter()
            optimizer.step()
            seconds.append(1000 * (time.perf_counter() - began))
    weights = sum(parameter.numel() for parameter in nets[0].parameters())
    plain, fused = (statistics.median(seconds[1:]) for seconds in times)
    return weights, plain, fused


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["mobilenetv3", "unet"])
    parser.add_argument("--optimizer", nargs="+", default=["sgd", "adamw"])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    set_threads(None)
    print(
        "| network | weights [1e6] | optimizer | default [ms] | fused [ms] |\n|---|---|---|---|---|"
    )
    for model in options.model:
        for name in options.optimizer:
            weights, plain, fused = milliseconds(model, name, options.rounds)
            print(f"| {model} | {weights / 1e6:.1f} | {name} | {plain:.1f} | {fused:.1f} |")


if __name__ == "__main__":
    main()
