"""Time and masks of exports in float32, bf16 and int8, on frames.

    python benchmarks/export_precisions.py NETWORK FRAMES [--rounds 3] [--precisions float32 int8]

NETWORK is a name in ``roilab networks``, a checkpoint or the folder of a run; FRAMES a folder of
frames with truth, like those of its training. Every file runs in this process, with one thread, in
turns; the first three images of a file are not timed. Printed are processor seconds of an image
(other programs disturb them less than seconds of the clock), size, and changed pixels of the masks
relative to the marked ones of float32.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch

from roilab.export.calibration import read_calibration
from roilab.export.network_files import export_network
from roilab.export.settings import ExportSettings
from roilab.inference import load_network, network_file
from roilab.wirecell.torchscript import load_torchscript


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("frames", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bf16", "int8"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = load_network(network_file(options.network), [])
    images = read_calibration(network.recipe, options.frames).compared
    settings = ExportSettings(
        precision="float32",
        calibration=str(options.frames),
        max_memory_mb=1000,
        format="torchscript",
        licence=None,
    )
    modules, sizes = {}, {}
    with tempfile.TemporaryDirectory() as scratch, torch.no_grad():
        for name in options.precisions:
            file = Path(scratch) / name / "model.ts"
            export_network(network, file, replace(settings, precision=name))
            modules[name], sizes[name] = load_torchscript(file)[0], file.stat().st_size
            for _ in range(3):
                modules[name](images[0])
        seconds: dict[str, list[float]] = {name: [] for name in modules}
        masks: dict[str, list[torch.Tensor]] = {name: [] for name in modules}
        for number in range(options.rounds):
            for image in images:
                for name, module in modules.items():
                    began = time.process_time()
                    probability = module(image)
                    seconds[name].append(time.process_time() - began)
                    if number == 0:
                        masks[name].append(probability > network.working_point.mask_thresh)
    first = masks["float32"]
    marked = sum(int(mask.sum()) for mask in first)
    print("| precision | s an image, median (range) | file [MB] | changed pixels [%] |")
    print("|---|---|---|---|")
    for name, times in seconds.items():
        changed = sum(int((a != b).sum()) for a, b in zip(first, masks[name], strict=True))
        spread = f"{statistics.median(times):.2f} ({min(times):.2f}-{max(times):.2f})"
        print(f"| {name} | {spread} | {sizes[name] / 1e6:.1f} | {100 * changed / marked:.2f} |")


if __name__ == "__main__":
    main()
