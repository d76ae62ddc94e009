"""ONNX files for programs other than WCT; needs the packages onnx, onnxscript, onnxruntime."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from roilab.export.settings import ExportError, Precision

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_EXAMPLE_SIZE = (96, 160)


def check_onnx(precision: Precision) -> None:
    """Check that this environment can write ONNX files.

    Raises:
        ExportError: a package is not installed, or the precision is not float32.
    """
    if precision != "float32":
        raise ExportError("export.format=onnx supports only float32; set export.precision=float32.")
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ExportError(
            f"export.format=onnx needs {', '.join(missing)}; pip install 'roilab[onnx]', or choose "
            "export.format=torchscript."
        )


def save_onnx(probability: nn.Module, path: Path, n_layers: int) -> None:
    """Write an ONNX file that takes any number of channels and slices.

    Raises:
        ExportError: the network cannot be written as ONNX.
    """
    image = torch.zeros(1, n_layers, *_EXAMPLE_SIZE)
    auto = torch.export.Dim.DYNAMIC
    try:
        torch.onnx.export(
            probability.eval(),
            (image,),
            str(path),
            dynamo=True,
            input_names=["image"],
            output_names=["roi_probability"],
            dynamic_shapes={"image": {2: auto, 3: auto}},
            external_data=False,
            verbose=False,
        )
    except OSError:  # of the disk
        raise
    except Exception as error:  # the exporter raises many types for an unknown operation
        reason = str(error).strip().split("\n")[0]
        raise ExportError(
            f"export.format=onnx: this network cannot be written as ONNX ({reason}). Choose "
            "export.format=torchscript."
        ) from error


def load_onnx(path: Path) -> Callable[[torch.Tensor], torch.Tensor]:
    """Load an ONNX file; return the function from image to ROI probability."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def probability(image: torch.Tensor) -> torch.Tensor:
        (output,) = session.run(None, {"image": image.numpy()})
        return torch.from_numpy(output)

    return probability
