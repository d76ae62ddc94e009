"""Measure what Lightning, roilab and its CSV log add to a step of a training.

    python benchmarks/step_overhead.py PREPARED [--epochs 20] [--rounds 3] [overrides]

PREPARED is a folder of ``roilab prepare`` (ProtoDUNE-HD). The network is a UNet of one feature and
the images are crops of 32 x 32, so nearly all of a step is overhead. The same steps are made by a
plain loop over the same batches, from the second epoch on; both in one process, in turns. The
images are read by the process that trains, in both.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from lightning import Callback, LightningModule, Trainer
from omegaconf import OmegaConf

from roilab.building import build
from roilab.entry_point import config_dir
from roilab.train.module import build_module
from roilab.train.run import build_trainer, quiet_lightning


class Steps(Callback):
    """Seconds of the steps of every epoch but the first."""

    def __init__(self) -> None:
        self.seconds, self.steps, self._began = 0.0, 0, 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop the clock after the last step."""
        if trainer.current_epoch > 0 and batch_idx + 1 == trainer.num_training_batches:
            self.seconds += time.perf_counter() - self._began
            self.steps += trainer.num_training_batches


def configuration(options: argparse.Namespace, folder: str) -> Any:
    """Compose a training of a small network on small crops."""
    overrides = [
        *("data=prepared", f"data.dir={options.folder}", "data.num_workers=0", "trainer=cpu"),
        *("data.crop.per_image=1", "data.crop.channels=32", "data.crop.slices=32"),
        *("model=unet", "model.net.encoder_widths=[1,1,1,1,1]", "trainer.precision=32-true"),
        *("model.net.decoder_widths=[1,1,1,1]", "logger=csv"),
        *(f"trainer.max_epochs={options.epochs}", "trainer.num_sanity_val_steps=0"),
        *("trainer.limit_val_batches=0", "callbacks.export=null", "callbacks.event_pictures=null"),
        *("callbacks.best_worst_events=null", "callbacks.loss_curves=null"),
        *("callbacks.physics_metrics=null", "callbacks.progress_bar=null"),
        *("callbacks.early_stopping=null", "callbacks.best=null"),
        *(f"output_dir={folder}", f"run_dir={folder}", "hydra.job.num=0", *options.overrides),
    ]
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        return compose("train", overrides)


def trained(config: Any, recipe: Any) -> float:
    """Return milliseconds a step of a training."""
    trainer, steps = build_trainer(config), Steps()
    trainer.callbacks.append(steps)  # type: ignore[attr-defined]
    trainer.fit(build_module(recipe), datamodule=build("data", config.data))
    return 1000 * steps.seconds / steps.steps


def looped(config: Any, recipe: Any) -> float:
    """Return milliseconds a step of a plain loop."""
    data, module = build("data", config.data), build_module(recipe)
    data.setup()
    loader, seconds, steps = data.train_dataloader(), 0.0, 0
    optimizer = build("optimizer", recipe["optimizer"])(module.net.parameters())
    for epoch in range(recipe["trainer"]["max_epochs"]):
        loader.sampler.set_epoch(epoch)
        began = time.perf_counter()
        for batch in loader:
            loss = module.loss(module(batch["image"]), batch["truth_mask"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if epoch > 0:
            seconds, steps = seconds + time.perf_counter() - began, steps + len(loader)
    return 1000 * seconds / steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("overrides", nargs="*", help="of roilab's configuration")
    options = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    rows = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder, quiet_lightning():
            config = configuration(options, folder)
            recipe = OmegaConf.to_container(config, resolve=True)
            rows.append((looped(config, recipe), trained(config, recipe)))
    print("| | ms a step, median (range) |\n|---|---|")
    columns = [*zip(*rows, strict=True), [both - plain for plain, both in rows]]
    for name, numbers in zip(("plain loop", "roilab train", "difference"), columns, strict=True):
        spread = f"{min(numbers):.2f}-{max(numbers):.2f}"
        print(f"| {name} | {statistics.median(numbers):.2f} ({spread}) |")


if __name__ == "__main__":
    main()
