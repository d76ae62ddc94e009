"""Transformer-UNet: a UNet with self-attention over the entire image at its deepest stage."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from roilab.models.decoder import SkipDecoder
from roilab.models.encoder import DoubleConvEncoder
from roilab.models.network import RoiNetwork


class SelfAttention(nn.Module):
    """Multi-head attention (arXiv:1706.03762) of all tokens to all tokens.

    Where torch has a fused kernel, the full matrix of attention weights is never stored. The
    number of features of a token is a multiple of ``heads``.
    """

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_features = heads, features // heads
        self.qkv = nn.Linear(features, 3 * features)
        self.out = nn.Linear(features, features)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (batch, token, feature) to tokens."""
        batch, count = tokens.shape[0], tokens.shape[1]
        qkv = self.qkv(tokens).view(batch, count, 3, self.heads, self.head_features)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return self.out(attended.transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    """Attention, then a two-layer perceptron with GELU; each normalises its input and is added.

    ``hidden`` is the number of features between the two layers of the perceptron.
    """

    def __init__(self, features: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features)
        self.attn = SelfAttention(features, heads)
        self.norm2 = nn.LayerNorm(features)
        self.mlp = nn.Sequential(
            nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, features)
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (batch, token, feature) to tokens."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class PositionalEncoding(nn.Module):
    """Add sines and cosines of channel and slice; works for any image size.

    As in arXiv:1706.03762, but in two dimensions: a quarter of the features each for sine and
    cosine of the channel, sine and cosine of the slice; their number is a multiple of 4.
    """

    frequencies: torch.Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        quarter = features // 4
        exponents = torch.arange(quarter) * (-math.log(10000.0) / quarter)
        self.register_buffer("frequencies", exponents.exp().view(-1, 1, 1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the encoding to features (batch, feature, channel, slice)."""
        ones = torch.ones_like(x[0, 0], dtype=torch.float32)
        channels = (ones.cumsum(0) - 1) * self.frequencies
        slices = (ones.cumsum(1) - 1) * self.frequencies
        encoding = torch.cat([channels.sin(), channels.cos(), slices.sin(), slices.cos()])
        return x + encoding.to(x.dtype)


class TransformerEncoder(nn.Module):
    """Double convolutions; a transformer takes the pixels of the deepest features as tokens.

    The last of the ``widths``, the numbers of features at full size, 1/2, 1/4, ..., is a multiple
    of 4 and of ``heads``; ``depth`` is the number of transformer blocks.
    """

    def __init__(
        self, n_layers: int, widths: Sequence[int], heads: int, depth: int, hidden: int
    ) -> None:
        super().__init__()
        self.convs = DoubleConvEncoder(n_layers, widths)
        self.position = PositionalEncoding(widths[-1])
        self.blocks = nn.ModuleList(
            TransformerBlock(widths[-1], heads, hidden) for _ in range(depth)
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every stage, shallow to deep."""
        features: list[torch.Tensor] = self.convs(x)
        deepest = self.position(features[-1])
        tokens = deepest.flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        features[-1] = tokens.transpose(1, 2).reshape(deepest.shape)
        return features


class TransformerUNet(RoiNetwork):
    """UNet with a transformer at 1/16 (TransUNet, arXiv:2102.04306), padded inside.

    Loads weights of the reference code (Pytorch-UNet). ``conf/model/transformer.yaml`` documents
    the arguments.
    """

    reference_names: ClassVar[Mapping[str, str]] = {
        "inc.conv.": "encoder.convs.stages.0.",
        **{f"down{i}.mpconv.1.conv.": f"encoder.convs.stages.{i}." for i in range(1, 5)},
        **{
            rf"blocks.(\d+).{theirs}": rf"encoder.blocks.\1.{ours}"
            for theirs, ours in (
                ("attn.in_proj_", "attn.qkv."),
                ("attn.out_proj.", "attn.out."),
                ("mlp.fc1.", "mlp.0."),
                ("mlp.fc2.", "mlp.2."),
                ("norm", "norm"),
            )
        },
        **{f"up{i + 1}.conv.conv.": f"decoder.stages.{i}.conv." for i in range(4)},
        "outc.conv.": "head.",
    }

    def __init__(
        self,
        n_layers: int,
        encoder_widths: Sequence[int],
        heads: int,
        depth: int,
        hidden: int,
        decoder_widths: Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__(
            n_layers,
            encoder=TransformerEncoder(n_layers, encoder_widths, heads, depth, hidden),
            decoder=SkipDecoder(encoder_widths, decoder_widths, align_corners),
            head=nn.Conv2d(decoder_widths[-1], 1, kernel_size=1),
        )
