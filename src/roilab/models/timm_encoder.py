"""Any of timm's networks as encoder, checked to be one that a U-Net can be built around."""

import difflib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from roilab.models.network import NetworkError
from roilab.models.weights import WeightsError, read_weights
from roilab.wirecell.torchscript import script

# Multiples of 32 that are neither square nor powers of 2, so that a fixed image size is noticed.
_PROBE_SIZE = (96, 160)


class TimmEncoder(nn.Module):
    """One of timm's networks without its classifier.

    Attributes:
        widths: features at every size, from shallow to deep.
        strides: by which the image is smaller there, each twice the one before.

    Args:
        n_layers: input layers.
        name: timm's name, with or without the tag of its weights (``resnet18.a1_in1k``).
        weights: a file of ImageNet weights with timm's names of parameters; the first convolution
            is fitted to ``n_layers``.
        pretrained: have timm download its ImageNet weights.
        options: further arguments of ``timm.create_model`` (swin: ``strict_img_size``).
        sizes: which of its sizes to give, counted from the shallowest; ``None`` for all.

    Raises:
        NetworkError: timm has no such network, or none that a U-Net for any image size can be
            built around and exported.
        WeightsError: the file's weights are of another network.
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
        check_name(name)
        self.net = _create(n_layers, name, weights, pretrained, options, sizes)
        info: Any = self.net.feature_info
        self.widths: list[int] = list(info.channels())
        self.strides: list[int] = list(info.reduction())
        self.layers_last = self._probe(n_layers, name)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Features (batch, feature, channel, slice) of every size, from shallow to deep."""
        features: list[torch.Tensor] = self.net(x)
        if self.layers_last:
            features = [feature.permute(0, 3, 1, 2) for feature in features]
        return features

    def _probe(self, n_layers: int, name: str) -> bool:
        """Run and script the network once; whether its features come with the layers last."""
        image = torch.zeros(1, n_layers, *_PROBE_SIZE)
        if any(below != 2 * above for above, below in pairwise(self.strides)):
            raise NetworkError(
                f"encoder={name}: its features are 1/{self.strides} of the image's size; expected "
                "each half the size of the one before. Choose another encoder."
            )
        training = self.net.training
        try:
            with torch.no_grad():
                got = [tuple(f.shape[1:]) for f in self.net.eval()(image)]
            script(self.net)
        except Exception as error:  # whatever a network of timm or the compiler raises
            reason = str(error).strip().split("\n")[0]
            raise NetworkError(
                f"encoder={name}: does not take images of any size or cannot be exported "
                f"({reason}). Choose another encoder, or set model.net.encoder_options (swin: "
                "+model.net.encoder_options.strict_img_size=false)."
            ) from error
        self.net.train(training)
        sizes = [tuple(-(-n // stride) for n in _PROBE_SIZE) for stride in self.strides]
        first = [(width, *size) for width, size in zip(self.widths, sizes, strict=True)]
        last = [(*size, width) for width, size in zip(self.widths, sizes, strict=True)]
        if got not in (first, last):
            raise NetworkError(
                f"encoder={name}: gives features of shapes {got}; expected {first}. Choose "
                "another encoder."
            )
        return got == last


def check_name(name: str) -> None:
    """See that timm has this network.

    Raises:
        NetworkError: it has not; names the nearest.
    """
    if timm.is_model(name):
        return
    nearest = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
    hint = f"Did you mean {' or '.join(nearest)}?" if nearest else "See timm.list_models()."
    raise NetworkError(f"encoder={name}: timm {timm.__version__} has no such network. {hint}")


def _create(
    n_layers: int,
    name: str,
    weights: str | None,
    pretrained: bool,
    options: Mapping[str, Any],
    sizes: Sequence[int] | None,
) -> nn.Module:
    chosen: dict[str, Any] = {} if sizes is None else {"out_indices": list(sizes)}
    overlay = None
    if weights is not None:
        overlay = {"state_dict": _timm_weights(name, Path(weights), options)}
    try:
        return timm.create_model(
            name,
            features_only=True,
            in_chans=n_layers,
            pretrained=pretrained or weights is not None,
            pretrained_cfg_overlay=overlay,
            **chosen,
            **options,
        )
    except Exception as error:  # whatever timm, its network and its hub raise
        reason = str(error).strip().split("\n")[0]
        raise NetworkError(
            f"encoder={name}: timm cannot build it ({type(error).__name__}: {reason}). Choose "
            "another encoder; without a connection, name a file in model.net.encoder_weights "
            "instead of model.net.pretrained=true."
        ) from error


def _timm_weights(name: str, path: Path, options: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """A file's weights, checked: timm itself would pass over those that are not there."""
    weights = read_weights(path)
    with torch.device("meta"):
        whole = timm.create_model(name, pretrained=False, **options)
    pretrained_cfg: Any = whole.pretrained_cfg
    classifier = pretrained_cfg["classifier"]
    own = {
        n: w.shape
        for n, w in whole.state_dict().items()
        if not n.startswith(classifier if isinstance(classifier, str) else tuple(classifier))
    }
    missing = [n for n in own if n not in weights and not n.endswith(".num_batches_tracked")]
    differing = [n for n, shape in own.items() if n in weights and weights[n].shape != shape]
    if missing or differing:
        raise WeightsError(
            f"{path}: not the weights of {name} as timm names them: {len(missing)} missing (such "
            f"as {(missing or ['none'])[0]}), {len(differing)} of another shape (such as "
            f"{(differing or ['none'])[0]}). Name another file, or the encoder it was made for."
        )
    return weights
