"""Networks of timm as encoders, with a check that a U-Net can use them."""

import difflib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn

from roilab.models.network import NetworkError
from roilab.models.weights import WeightsError, read_weights, strip_prefixes

# Multiples of 32, not square and not powers of 2: networks for one fixed size fail on it.
_PROBE_SIZE = (96, 160)


class TimmEncoder(nn.Module):
    """A network of timm without its classifier.

    Args:
        n_layers: number of input layers.
        name: timm's name, with or without the tag of its weights (``resnet18.a1_in1k``).
        weights: file of ImageNet weights with timm's names of parameters; the first convolution
            is adapted to ``n_layers``.
        pretrained: let timm download its ImageNet weights.
        options: further arguments of ``timm.create_model`` (swin: ``strict_img_size``).
        sizes: indices of the sizes to return, counted from the shallowest; ``None`` for all.

    Raises:
        NetworkError: timm has no such network, or it does not take any image size.
        WeightsError: the file holds weights of another network.
    """

    def __init__(
        self,
        n_layers: int,
        name: str,
        weights: str | None,
        pretrained: bool,
        options: Mapping[str, Any],
        sizes: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        _check_name(name)
        self.net = _create(n_layers, name, weights, pretrained, options, sizes)
        info: Any = self.net.feature_info
        # For every size, from shallow to deep: number of features, and divisor of the image size.
        self.widths: list[int] = list(info.channels())
        self.strides: list[int] = list(info.reduction())
        self.features_last = self._probe(n_layers, name)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return features (batch, feature, channel, slice) of every size, shallow to deep."""
        features: list[torch.Tensor] = self.net(x)
        if self.features_last:
            features = [feature.permute(0, 3, 1, 2) for feature in features]
        return features

    def _probe(self, n_layers: int, name: str) -> bool:
        """Check that the network takes images of any size; return whether features come last.

        Whether it can be exported is tried before every training, not at every start of a command.
        """
        image = torch.zeros(1, n_layers, *_PROBE_SIZE)
        if any(deeper != 2 * stride for stride, deeper in pairwise(self.strides)):
            raise NetworkError(
                f"encoder={name}: its features have 1/{self.strides} of the image's size; expected "
                "each half the size of the one before. Choose another encoder."
            )
        training = self.net.training
        try:
            with torch.no_grad():
                shapes = [tuple(f.shape[1:]) for f in self.net.eval()(image)]
        except Exception as error:  # any type: networks of timm raise many
            reason = str(error).strip().split("\n")[0]
            raise NetworkError(
                f"encoder={name}: does not take images of any size "
                f"({reason}). Choose another encoder, or set model.net.encoder_options (swin: "
                "+model.net.encoder_options.strict_img_size=false)."
            ) from error
        self.net.train(training)
        sizes = [tuple(-(-n // stride) for n in _PROBE_SIZE) for stride in self.strides]
        first = [(width, *size) for width, size in zip(self.widths, sizes, strict=True)]
        last = [(*size, width) for width, *size in first]
        if shapes not in (first, last):
            raise NetworkError(
                f"encoder={name}: returns features of shapes {shapes}; expected {first}. Choose "
                "another encoder."
            )
        return shapes == last


def _check_name(name: str) -> None:
    """Raise an error that suggests similar names if timm has no network of this name."""
    import timm  # takes a second, here and below; a UNet does not need it

    if timm.is_model(name):
        return
    similar = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
    hint = f"Did you mean {' or '.join(similar)}?" if similar else "See timm.list_models()."
    raise NetworkError(f"encoder={name}: timm {timm.__version__} has no such network. {hint}")


def _create(
    n_layers: int,
    name: str,
    weights: str | None,
    pretrained: bool,
    options: Mapping[str, Any],
    sizes: Sequence[int] | None,
) -> nn.Module:
    import timm

    selection: dict[str, Any] = {} if sizes is None else {"out_indices": list(sizes)}
    overlay = None
    if weights is not None:
        overlay = {"state_dict": _read_timm_weights(name, Path(weights), options)}
    try:
        return timm.create_model(
            name,
            features_only=True,
            in_chans=n_layers,
            pretrained=pretrained or weights is not None,
            pretrained_cfg_overlay=overlay,
            **selection,
            **options,
        )
    except Exception as error:  # any type: timm, its networks and its downloads raise many
        reason = str(error).strip().split("\n")[0]
        raise NetworkError(
            f"encoder={name}: timm cannot build it ({type(error).__name__}: {reason}). Choose "
            "another encoder; without internet, set model.net.encoder_weights=FILE instead of "
            "model.net.pretrained=true."
        ) from error


def _read_timm_weights(
    name: str, path: Path, options: Mapping[str, Any]
) -> dict[str, torch.Tensor]:
    """Read weights and check that they are complete; timm itself would ignore missing ones."""
    import timm

    stored = read_weights(path)
    with torch.device("meta"):
        full = timm.create_model(name, pretrained=False, **options)
    pretrained_cfg: Any = full.pretrained_cfg
    classifier = pretrained_cfg["classifier"]
    shapes = {
        n: w.shape
        for n, w in full.state_dict().items()
        if not n.startswith(classifier if isinstance(classifier, str) else tuple(classifier))
    }
    weights = strip_prefixes(stored, shapes)
    missing = [n for n in shapes if n not in weights and not n.endswith(".num_batches_tracked")]
    different = [n for n, shape in shapes.items() if n in weights and weights[n].shape != shape]
    if missing or different:
        raise WeightsError(
            f"{path}: not the weights of {name} with timm's names: {len(missing)} missing (such as "
            f"{(missing or ['none'])[0]}), {len(different)} of another shape (such as "
            f"{(different or ['none'])[0]}). Give another file, or the encoder of this one."
        )
    return weights
