"""Write size, work, reach, memory and time of every network of conf/model as Markdown tables.

    python benchmarks/networks.py [--no-timing] [--into docs/networks.md]

The first table depends only on the code; the second is measured on this machine, each cell in a new
process.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch.utils.flop_counter import FlopCounterMode

from roilab.atomic_write import write_text
from roilab.entry_point import config_dir
from roilab.models import RoiNetwork

SIZES = ((800, 600), (800, 6000))  # one plane of ProtoDUNE-HD at rebin 10 and at rebin 1
HEIGHT, WIDTH = 32, 2048  # image size for finding the reach
POSITIONS = 32  # slices; the reach repeats after the deepest stride


def networks() -> list[str]:
    names = sorted(path.stem for path in Path(config_dir(), "model").glob("*.yaml"))
    return [name for name in names if name != "base"]


def net_config(name: str) -> DictConfig:
    OmegaConf.register_new_resolver("count", len, replace=True)
    with initialize_config_dir(str(config_dir()), version_base="1.3"):
        config = compose("train", [f"model={name}", "output_dir=out"])
    return OmegaConf.create(OmegaConf.to_container(config.model, resolve=True)).net


def build(config: DictConfig) -> RoiNetwork:
    torch.manual_seed(0)
    return instantiate(config).eval()


def multiply_adds(name: str, size: tuple[int, int]) -> int:
    """Count multiply-adds on the meta device, which computes only shapes."""
    with torch.device("meta"), torch.no_grad():
        net = build(net_config(name))
        with FlopCounterMode(display=False) as counter:
            net(torch.empty(1, net.n_layers, *size))
    return counter.get_total_flops() // 2


def reduce_widths(config: DictConfig) -> DictConfig:
    """Return the same network with few features; its reach is the same."""
    widths = {k: [8] * len(v) for k, v in config.items() if OmegaConf.is_list(v)}
    return OmegaConf.merge(config, widths)


@torch.no_grad()
def reach(name: str) -> str:
    """Return the distance [slices] from a pixel to the farthest logit that it changes.

    With positive weights and no biases, one pixel in an empty image makes all logits within its
    reach positive. This does not show the averages of squeeze-excite, nor attention (where an empty
    image has logits above zero), so two random images are compared too.
    """
    net = build(reduce_widths(net_config(name))).double()
    image = torch.randn(1, net.n_layers, HEIGHT, WIDTH, dtype=torch.float64)
    changed = image.clone()
    changed[..., 0] += 10
    everywhere = bool((net(image) != net(changed))[..., -1].any())
    _make_positive(net)
    image.zero_()
    if net(image).any():
        return "the full image"
    farthest = 0
    for column in range(WIDTH // 2, WIDTH // 2 + POSITIONS):
        image[..., column] = 1
        reached = net(image).amax((0, 1, 2)).nonzero().flatten()
        image[..., column] = 0
        farthest = max(farthest, column - int(reached[0]), int(reached[-1]) - column)
    return f"{farthest}; by its averages, the full image" if everywhere else str(farthest)


def _make_positive(net: RoiNetwork) -> None:
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.dim() > 1:
                sums = parameter.abs_().flatten(1).sum(1)
                parameter.div_(sums.view(-1, *[1] * (parameter.dim() - 1)))
            else:
                parameter.fill_(0 if "bias" in name else 1)


def measure(name: str, height: int, width: int) -> dict[str, float]:
    """Measure one inference in float32 on the CPU: time [s], peak above the loaded network [MB]."""
    net = build(net_config(name))
    with torch.no_grad():
        net(torch.zeros(1, net.n_layers, 64, 64))
        image = torch.randn(1, net.n_layers, height, width)
        before = _resident()
        began = time.perf_counter()
        net(image)
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "megabytes": (peak - before) / 1e6}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def measure_in_subprocess(name: str, size: tuple[int, int]) -> dict[str, float]:
    command = [sys.executable, __file__, "--cell", name, *map(str, size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cell: dict[str, float] = json.loads(done.stdout)
    return cell


def table(header: list[str], rows: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, rule, *rows])


def structure_table(names: list[str]) -> str:
    header = ["model", "parameters"]
    header += [f"G multiply-adds at {h} x {w}" for h, w in SIZES]
    rows = []
    for name in names:
        parameters = sum(p.numel() for p in build(net_config(name)).parameters())
        work = [f"{multiply_adds(name, size) / 1e9:,.1f}" for size in SIZES]
        rows.append([name, f"{parameters:,}", *work, reach(name)])
    return table([*header, "padding is felt up to [pixels]"], rows)


def measured_table(names: list[str]) -> str:
    header = ["model"]
    header += [f"{what} at {h} x {w}" for h, w in SIZES for what in ("time [s]", "memory [MB]")]
    rows = []
    for name in names:
        row = [name]
        for size in SIZES:
            cell = measure_in_subprocess(name, size)
            row += [f"{cell['seconds']:.2f}", f"{cell['megabytes']:,.0f}"]
        rows.append(row)
    return table(header, rows)


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    match = re.search(r"model name\s*:\s*(.+)", cpuinfo)
    cpu = match.group(1) if match else platform.processor()
    return f"{cpu}, {torch.get_num_threads()} threads, float32, torch {torch.__version__}."


def replace_section(path: Path, name: str, text: str) -> None:
    """Replace the text between ``<!-- name -->`` and ``<!-- end -->``."""
    page = path.read_text()
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
    new, count = re.subn(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{path}: expected one <!-- {name} --> ... <!-- end -->, got {count}.")
    write_text(path, new)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--no-timing", action="store_true", help="write only the first table")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="replace the tables of this page")
    parser.add_argument("--cell", nargs=3, metavar=("NAME", "CHANNELS", "SLICES"))
    arguments = parser.parse_args()
    if arguments.cell:
        name, height, width = arguments.cell
        print(json.dumps(measure(name, int(height), int(width))))
        return
    tables = {"structure": structure_table(networks())}
    if not arguments.no_timing:
        tables["measured"] = f"{machine()}\n\n{measured_table(networks())}"
    for name, text in tables.items():
        if arguments.into:
            replace_section(arguments.into, name, text)
        else:
            print(text, end="\n\n")


if __name__ == "__main__":
    main()
