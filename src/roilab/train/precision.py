"""Choice of the floating-point format of a training."""

from typing import Any

import torch


def choose_precision(accelerator: str) -> tuple[Any, str]:
    """Choose what ``trainer.precision=auto`` stands for, given Lightning's accelerator.

    Returns:
        Lightning's precision (``bf16-mixed`` or ``32-true``), and the reason.
    """
    if accelerator != "cpu" and torch.cuda.is_available():
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16-mixed", "the GPU computes in bf16"
        return "32-true", "the GPU does not compute in bf16"
    instructions = torch.cpu.get_capabilities()
    for kind in ("amx_bf16", "avx512_bf16"):
        if instructions.get(kind, False):
            return "bf16-mixed", f"the CPU has {kind}"
    return "32-true", "the CPU does not compute in bf16"
