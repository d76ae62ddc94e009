"""The ways in which a network becomes TorchScript, tried one after the other."""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from roilab.atomic_write import DiskFullError
from roilab.export.exported_network import ExportedNetwork, PlainNetwork, image_size
from roilab.export.parity import SMALL_SIZES, ParityError, check_parity, random_image
from roilab.export.quantized_network import QuantizedNetwork
from roilab.export.settings import ExportError, ExportSettings
from roilab.inference import RoiProbability, TrainedNetwork
from roilab.wirecell.torchscript import ignore_deprecation, script

log = logging.getLogger(__name__)

Used = TypeVar("Used")


@dataclass(frozen=True)
class CompiledNetwork:
    """A network as TorchScript.

    Attributes:
        module: image to ROI probability.
        form: ``bands``, ``script``, ``trace`` or ``int8``.
        expected_mb: expected memory of an image of the recipe's size, above the loaded file [MB].
        steps_in_bands: number of steps that run in bands for such an image.
    """

    module: torch.jit.ScriptModule
    form: str
    expected_mb: float
    steps_in_bands: int


def try_export(network: TrainedNetwork, settings: ExportSettings) -> CompiledNetwork:
    """Export a network in memory and compare it at a small size; nothing is written.

    Args:
        network: on the CPU, in evaluation mode, with any weights.
        settings: of the export; the format ONNX is not tried.

    Raises:
        ExportError: the network cannot be exported.
    """
    probability = RoiProbability(network)

    def compare(compiled: CompiledNetwork) -> None:
        # The second run of a module optimises it, which takes longer than both runs.
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
            check_parity(
                probability, compiled.module, _n_layers(network), SMALL_SIZES[-1:],
                "this network", settings.precision,
            )  # fmt: skip

    # Only the operations are tried: the frames of a training may not exist yet.
    generator = torch.Generator().manual_seed(0)
    images = [random_image(_n_layers(network), *SMALL_SIZES[-1], generator)]
    return compile_network(network, settings, compare, images)[0]


def compile_network(
    network: TrainedNetwork,
    settings: ExportSettings,
    use: Callable[[CompiledNetwork], Used],
    calibration: Sequence[torch.Tensor] = (),
) -> tuple[CompiledNetwork, Used]:
    """Compile a network in the first form that works, and return it with the result of ``use``.

    The forms are bands of channels, ``torch.jit.script``, and ``torch.jit.trace``. There is one
    form in int8, a trace.

    Args:
        network: on the CPU, in evaluation mode; not changed.
        settings: precision and bound on memory.
        use: what has to work, such as a comparison with the network.
        calibration: images (1, layer, channel, slice), for int8.

    Raises:
        ExportError: no form works.
    """
    if settings.precision == "int8":
        return _use_quantized(network, use, calibration)
    errors: list[Exception] = []
    for form in (_in_bands, _scripted, _traced):
        try:
            compiled = form(network, settings)
            used = use(compiled)
        except (OSError, DiskFullError):  # no form of the network would help
            raise
        except Exception as error:  # any type: the compilers raise many
            errors.append(error)
            log.debug("%s", form.__name__, exc_info=True)
            continue
        if errors:
            _warn(network, settings, compiled, errors[0])
        return compiled, used
    raise _explain(network, errors)


def _use_quantized(
    network: TrainedNetwork,
    use: Callable[[CompiledNetwork], Used],
    calibration: Sequence[torch.Tensor],
) -> tuple[CompiledNetwork, Used]:
    try:
        quantized = QuantizedNetwork(network, calibration)
        traced = _trace(quantized, _n_layers(network))
    except Exception as error:  # any type: the compilers raise many
        log.debug("int8", exc_info=True)
        raise ExportError(
            f"{type(network.net).__name__} cannot be computed in 8-bit integers ({_short(error)}). "
            "Choose export.precision=float32 or bf16."
        ) from error
    compiled = CompiledNetwork(traced, "int8", quantized.expected_mb, 0)
    return compiled, use(compiled)


def _explain(network: TrainedNetwork, errors: list[Exception]) -> Exception:
    for error in errors:
        if isinstance(error, ParityError):
            return error
    reasons = [_short(error) for error in errors]
    return ExportError(
        f"{type(network.net).__name__} cannot be exported to TorchScript: not in bands "
        f"({reasons[0]}), not by torch.jit.script ({reasons[1]}), not by torch.jit.trace "
        f"({reasons[2]}). Replace the operation that they name, or train without an export: "
        "callbacks.export=null."
    )


def _short(error: Exception) -> str:
    """Return type and first line of an error; of TorchScript's tracebacks the last line."""
    lines = [line.strip(" :") for line in str(error).splitlines() if line.strip(" :^~-")]
    if not lines:
        return type(error).__name__
    text = lines[-1] if "Traceback of TorchScript" in str(error) else lines[0]
    return f"{type(error).__name__}: {text}"[:160]


def _warn(
    network: TrainedNetwork, settings: ExportSettings, compiled: CompiledNetwork, error: Exception
) -> None:
    bound = settings.max_memory_mb
    above = "" if bound is None or compiled.expected_mb <= bound else (
        f", above export.max_memory_mb={bound:g}"
    )  # fmt: skip
    log.warning(
        "%s cannot be computed in bands of channels (%s); it is exported by torch.jit.%s, and an "
        "image of %d x %d takes about %.0f MB%s.",
        type(network.net).__name__,
        _short(error),
        compiled.form,
        *image_size(network.recipe),
        compiled.expected_mb,
        above,
    )


def _n_layers(network: TrainedNetwork) -> int:
    return len(network.recipe["data"]["layers"])


def _in_bands(network: TrainedNetwork, settings: ExportSettings) -> CompiledNetwork:
    exported = ExportedNetwork(network, settings)
    steps = exported.steps_in_bands
    return CompiledNetwork(script(exported), "bands", exported.expected_mb, steps)


def _scripted(network: TrainedNetwork, settings: ExportSettings) -> CompiledNetwork:
    plain = PlainNetwork(network, settings)
    return CompiledNetwork(script(plain), "script", plain.expected_mb, 0)


def _traced(network: TrainedNetwork, settings: ExportSettings) -> CompiledNetwork:
    plain = PlainNetwork(network, settings)
    return CompiledNetwork(_trace(plain, _n_layers(network)), "trace", plain.expected_mb, 0)


def _trace(module: nn.Module, n_layers: int) -> torch.jit.ScriptModule:
    image = torch.zeros(1, n_layers, *SMALL_SIZES[0])
    with ignore_deprecation(), warnings.catch_warnings(), torch.no_grad():
        # Sizes that become constants are found by the comparison at other sizes.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        traced = torch.jit.trace(module, image, check_trace=False)  # type: ignore[no-untyped-call]
    return traced  # type: ignore[no-any-return]
