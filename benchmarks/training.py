"""Training speed of roilab beside the plain recipe of the field, on the same frames.

    python benchmarks/training.py FOLDER [--model mobilenetv3] [--epochs 5] [--rounds 3]

FOLDER holds g4-rec-N.h5 and g4-tru-N.h5 of ProtoDUNE-HD, plane V; the last file is for validation.
Both ways train the same network from the same seed on whole frames, batch 1, for the same number
of steps; each is a new process, and they take turns, so that a change in the speed of the machine
affects both. ``--threads`` limits both; without it, both use all cores. Further arguments are
overrides of roilab's configuration, such as ``optimizer=adamw``.

Printed are, for both: events per second in the first epoch and from the second on, the share of
time that a training step waits for its input, peak memory, and the validation loss; then seconds
until roilab reaches the validation loss with which the plain recipe ends. The share of the rate of
a matrix product is that of the step's operations per second in a product of two 2048 x 2048
matrices (float32 for the plain recipe, bf16 for roilab), measured before and after each training;
it has no meaning with crops.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from roilab.peak_memory import PeakMemory

WAYS = ("plain", "roilab")
CHANNELS, TICKS = (3360, 4160), 6000  # plane V of anode 1


def main() -> None:
    """Measure and print the table, or run one training as a worker."""
    options = _options()
    if options.worker:
        print(json.dumps(_work(options)))
        return
    rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    for number in range(options.rounds):
        # The order changes, so that neither way always runs on the warmer machine.
        for way in WAYS if number % 2 == 0 else WAYS[::-1]:
            rounds[way].append(_measure(way, options, number))
    _print(rounds, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="mobilenetv3")
    parser.add_argument("--rebin", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, help="training events; default all")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--worker", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    return parser.parse_intermixed_args()


def _measure(way: str, options: argparse.Namespace, number: int) -> dict[str, Any]:
    """Run one training in a new process; return what it measured."""
    with tempfile.TemporaryDirectory() as output:
        arguments = [str(options.folder), "--worker", way, "--output", output]
        for name in ("model", "rebin", "epochs", "events", "threads"):
            value = getattr(options, name)
            arguments += [] if value is None else [f"--{name}", str(value)]
        arguments += ["--seed", str(options.seed + number), *options.overrides]
        done = subprocess.run(
            [sys.executable, __file__, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "ROILAB_CACHE": output},
        )
    print(f"{way}, round {number + 1} is done", file=sys.stderr)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _work(options: argparse.Namespace) -> dict[str, Any]:
    """Train in one of the ways; return seconds, losses and peak memory."""
    import torch

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    peak = PeakMemory()
    rates = [_matmul_rate(options)]
    record = _plain(options) if options.worker == "plain" else _roilab(options)
    rates.append(_matmul_rate(options))
    return {**record, "memory_mb": peak.mb(), "matmul_rate": statistics.mean(rates)}


def _matmul_rate(options: argparse.Namespace) -> float:
    """Return the best rate of a matrix product in the precision of the training [1/s]."""
    import torch

    size, dtype = 2048, torch.float32 if options.worker == "plain" else torch.bfloat16
    a, b = torch.rand(2, size, size).to(dtype)
    seconds = []
    for _ in range(8):
        began = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / min(seconds)


def _operations(options: argparse.Namespace) -> float:
    """Return the floating-point operations of one training step, without running it."""
    import torch
    from omegaconf import OmegaConf
    from torch.utils.flop_counter import FlopCounterMode

    from roilab.models import build_net

    config: Any = OmegaConf.to_container(_compose(options), resolve=True)
    slices = -(-TICKS // options.rebin)
    image = torch.empty(1, len(config["data"]["layers"]), CHANNELS[1] - CHANNELS[0], slices)
    with FlopCounterMode(display=False) as counter:
        build_net(config["model"]["net"]).to("meta")(image.to("meta")).sum().backward()
    return float(counter.get_total_flops())


def _files(options: argparse.Namespace) -> tuple[list[Path], list[Path]]:
    """Return reconstruction files of the training and of the validation."""
    files = sorted(options.folder.glob("g4-rec-*.h5"))
    return files[:-1], files[-1:]


def _compose(options: argparse.Namespace, *further: str) -> Any:
    """Compose roilab's training: no pictures, pages or export, a log in CSV."""
    from hydra import compose, initialize_config_dir

    from roilab.entry_point import config_dir

    training, validation = ([file.name for file in files] for files in _files(options))
    overrides = [
        *("data=pdhd", f"data.dir={options.folder}", f"data.rebin={options.rebin}"),
        *(f"data.train_files=[{','.join(training)}]", f"data.val_files=[{','.join(validation)}]"),
        *(f"model={options.model}", f"seed={options.seed}", "logger=csv"),
        *(f"trainer.max_epochs={options.epochs}", "trainer.num_sanity_val_steps=0"),
        *("callbacks.progress_bar=null", "callbacks.export=null", "callbacks.loss_curves=null"),
        *("callbacks.event_pictures=null", "callbacks.best_worst_events=null"),
        *("callbacks.physics_metrics=null", "callbacks.early_stopping=null"),
        *(f"output_dir={options.output}", f"run_dir={options.output}", "hydra.job.num=0"),
        *options.overrides,
        *further,
    ]
    if options.threads is not None:
        overrides.append(f"trainer.threads={options.threads}")
    if options.events is not None:
        overrides.append(f"trainer.limit_train_batches={options.events}")
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("train", overrides)


def _plain(options: argparse.Namespace) -> dict[str, Any]:
    """Train with the plain recipe: network, optimizer and image of roilab's configuration."""
    import h5py
    import torch
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from plain_recipe import Event, Reading, train
    from roilab.models import build_net

    config: Any = OmegaConf.to_container(_compose(options), resolve=True)
    torch.manual_seed(options.seed)
    data = config["data"]
    reading = Reading(
        layers=data["layers"],
        truth=data["truth"][0],
        apa=1,
        channels=CHANNELS,
        ticks=TICKS,
        rebin=data["rebin"],
        threshold=data["threshold"],
        input_scale=data["input_scale"],
    )
    samples: list[list[Event]] = []
    for files in _files(options):
        events: list[Event] = []
        for file in files:
            with h5py.File(file, "r", locking=False) as rec:
                numbers = sorted(int(name) for name in rec)
            truth = file.with_name(file.name.replace("rec", "tru"))
            events += [(file, truth, number) for number in numbers]
        samples.append(events)
    training = samples[0][: options.events]
    net = build_net(config["model"]["net"])
    optimizer = instantiate(config["optimizer"])
    record = train(net, (training, samples[1]), reading, optimizer, options.epochs, options.seed)
    return {**asdict(record), "events": len(training)}


def _roilab(options: argparse.Namespace) -> dict[str, Any]:
    """Train with roilab, as ``roilab train`` does, and observe it with a callback."""
    from roilab.train.run import train

    times = options.output / "times.json"
    observer = f"+callbacks.times={{_target_:training_times.Times,path:'{times}'}}"
    train(_compose(options, observer))
    record: dict[str, Any] = json.loads(times.read_text())
    return record


def _print(rounds: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    """Print the machine and the table."""
    import torch

    threads = options.threads or len(os.sched_getaffinity(0))
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    sets = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    events = rounds["plain"][0]["events"]
    print(
        f"{options.model}, rebin {options.rebin}, {events} events an epoch, {options.epochs} "
        f"epochs, {options.rounds} rounds; {threads} threads, {' '.join(sets) or 'no'} "
        f"({platform.machine()}), torch {torch.__version__}\n"
    )
    print("| | plain recipe | roilab | ratio |\n|---|---|---|---|")
    _row("events/s, first epoch", rounds, lambda one: _rate(one, slice(0, 1)))
    _row("events/s, from the second epoch on", rounds, lambda one: _rate(one, slice(1, None)))
    _row("wait for input, from the second epoch on [%]", rounds, _input_wait)
    operations = _operations(options)
    _row(
        "share of the rate of a matrix product [%]",
        rounds,
        lambda one: 100 * operations * _rate(one, slice(1, None)) / one["matmul_rate"],
    )
    _row("peak memory [MB]", rounds, lambda one: one["memory_mb"])
    _row("validation loss at the end", rounds, lambda one: one["val_loss"][-1], "{:.4f}")
    _row("seconds to the end, validation included", rounds, lambda one: one["elapsed"][-1])
    target = statistics.median(one["val_loss"][-1] for one in rounds["plain"])
    reached = [_seconds_to(target, one) for one in rounds["roilab"]]
    print(
        f"\nSeconds to the plain recipe's median loss at the end ({target:.4f}): plain "
        f"{statistics.median(one['elapsed'][-1] for one in rounds['plain']):.0f}, roilab "
        f"{', '.join('not reached' if one is None else f'{one:.0f}' for one in reached)}"
    )


def _rate(one: dict[str, Any], epochs: slice) -> float:
    seconds = one["train_seconds"][epochs]
    return float(one["events"] * len(seconds) / sum(seconds)) if seconds else float("nan")


def _input_wait(one: dict[str, Any]) -> float:
    seconds = sum(one["train_seconds"][1:])
    return 100 * sum(one["input_seconds"][1:]) / seconds if seconds else float("nan")


def _seconds_to(target: float, one: dict[str, Any]) -> float | None:
    pairs = zip(one["elapsed"], one["val_loss"], strict=True)
    return next((seconds for seconds, loss in pairs if loss <= target), None)


def _row(
    name: str, rounds: dict[str, list[dict[str, Any]]], value: Any, form: str = "{:.2f}"
) -> None:
    """Print median and spread of both ways, and of roilab's value over the plain one."""
    columns = [[value(one) for one in rounds[way]] for way in WAYS]
    columns.append(
        [own / plain if plain else float("nan") for plain, own in zip(*columns, strict=True)]
    )
    cells = [
        f"{form.format(statistics.median(numbers))} "
        f"({form.format(min(numbers))}-{form.format(max(numbers))})"
        for numbers in columns
    ]
    print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
