"""Time of a training step with memory that glibc returns, and with memory that the process keeps.

    python benchmarks/freed_memory.py [--model mobilenetv3 unet] [--image 800 600] [--steps 5]

A step is forward, backward and optimizer, in bf16 where the CPU computes in it, on random images.
Ways take turns in every round; each is a new process. Printed are median, smallest and largest
seconds of all steps, page faults a step, and peak memory.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

WAYS = ("returned", "kept")


def main() -> None:
    """Print the table, or measure one training as a worker."""
    options = _options()
    if options.worker:
        print(json.dumps(_work(options)))
        return
    print(
        "| network | freed memory is | step [s] | page faults | peak [MB] |\n|---|---|---|---|---|"
    )
    for model in options.model:
        rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
        for _ in range(options.rounds):
            for way in WAYS:
                rounds[way].append(_measure(model, way, options))
        for way, measured in rounds.items():
            seconds = [one for record in measured for one in record["seconds"]]
            faults, peak = (
                statistics.median(record[name] for record in measured)
                for name in ("faults", "peak_mb")
            )
            print(
                f"| {model} | {way} | {statistics.median(seconds):.2f} ({min(seconds):.2f}-"
                f"{max(seconds):.2f}) | {faults:.0f} | {peak:.0f} |"
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["mobilenetv3", "unet"])
    parser.add_argument("--image", nargs=2, type=int, default=[800, 600])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measure(model: str, way: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one training in a new process."""
    arguments = ["--model", model, "--worker", way, "--image", *map(str, options.image)]
    arguments += ["--batch", str(options.batch), "--steps", str(options.steps)]
    done = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _work(options: argparse.Namespace) -> dict[str, Any]:
    """Return seconds of the steps after the first, page faults a step, and peak memory."""
    import torch
    from omegaconf import OmegaConf

    from roilab.freed_memory import reuse_freed_memory
    from roilab.models import build_net
    from roilab.notebook.compose import compose
    from roilab.peak_memory import peak_mb
    from roilab.threads import set_threads
    from roilab.train.precision import choose_precision

    set_threads(None)
    if options.worker == "kept" and not reuse_freed_memory():
        sys.exit("freed memory cannot be kept: another C library, or MALLOC_ variables are set")
    config = compose("train", [f"model={options.model[0]}", "run_dir=."])
    net: Any = build_net(OmegaConf.to_container(config.model.net, resolve=True))
    net.to(memory_format=torch.channels_last)
    image = torch.rand(options.batch, 3, *options.image).to(memory_format=torch.channels_last)
    truth = (torch.rand(options.batch, 1, *options.image) > 0.97).float()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)
    loss, bf16 = torch.nn.BCEWithLogitsLoss(), choose_precision("cpu")[0] == "bf16-mixed"
    seconds = []
    for number in range(options.steps + 1):  # the first step takes the memory
        began = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = net(image)
        loss(logits.float(), truth).backward()
        optimizer.step()
        if number == 0:
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        else:
            seconds.append(time.perf_counter() - began)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return {"seconds": seconds, "faults": faults / options.steps, "peak_mb": peak_mb()}


if __name__ == "__main__":
    main()
