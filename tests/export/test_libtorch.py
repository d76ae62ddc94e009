"""Exported files in C++ with libtorch, as the Wire-Cell Toolkit runs them."""

import math
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from test_export import build

from roilab.export.forms import compile_network
from roilab.export.network_files import export_network
from roilab.export.parity import random_image
from roilab.export.settings import ExportSettings
from roilab.wirecell.torchscript import load_torchscript, save_torchscript

SOURCE = Path(__file__).parents[1] / "cpp"
SIZES = ((96, 160), (75, 131))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in ("cmake", "c++"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} to build the C++ program with")
    torch_dir = Path(torch.__file__).parent
    if not (torch_dir / "include" / "torch" / "script.h").is_file():
        pytest.skip("the torch that is installed has no C++ headers")
    folder = tmp_path_factory.mktemp("build")
    abi = int(torch.compiled_with_cxx11_abi())
    # Not optimised: it gives the same numbers, and is built sooner.
    settings = (f"-DTORCH={torch_dir}", f"-DCXX11_ABI={abi}")
    for command in (
        ("cmake", "-S", str(SOURCE), "-B", str(folder), *settings),
        ("cmake", "--build", str(folder)),
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder / "run_model"


def in_bands(folder: Path) -> Path:
    settings = ExportSettings(
        precision="float32",
        calibration=None,
        max_memory_mb=1.0,
        format="torchscript",
        licence=None,
    )
    file = folder / "model.ts"
    # Planned for 800 x 60, so that bands are narrower than the images here.
    written = export_network(build("unet", "data.rebin=100"), file, settings)
    assert written["export"]["steps_in_bands"] > 0
    return file


def in_int8(folder: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    images = [random_image(3, 96, 160, generator) for _ in range(2)]
    settings = ExportSettings(
        precision="int8",
        calibration="images",
        max_memory_mb=None,
        format="torchscript",
        licence=None,
    )
    compiled, _ = compile_network(build("unet").eval(), settings, lambda _: None, images)
    file = folder / "model.ts"
    save_torchscript(compiled.module, file)
    return file


@pytest.mark.parametrize("write", [in_bands, in_int8])
def test_two_threads_get_the_same_numbers_as_python(
    program: Path, tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    file = write(tmp_path)
    arguments = ["3", *(f"{rows}x{columns}" for rows, columns in SIZES)]
    done = subprocess.run(
        [program, file, *arguments], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    module, _ = load_torchscript(file)
    for line, (rows, columns) in zip(lines, SIZES, strict=True):
        image = torch.arange(3 * rows * columns, dtype=torch.float64).sin().float()
        with torch.no_grad():
            values = module(image.view(1, 3, rows, columns)).double().flatten()
        weighted = float((values * torch.arange(len(values), dtype=torch.float64).cos()).sum())
        assert line[:2] == [rows, columns]
        assert math.isclose(line[2], float(values.sum()), rel_tol=1e-6)
        assert math.isclose(line[3], weighted, abs_tol=1e-3)


def test_a_file_that_cannot_be_loaded_is_an_error(program: Path, tmp_path: Path) -> None:
    (tmp_path / "x.ts").write_text("text")
    done = subprocess.run(
        [program, tmp_path / "x.ts", "3", "32x32"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("run_model: ")
