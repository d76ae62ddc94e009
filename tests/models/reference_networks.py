"""Networks with the structure and module names of the reference code, written again.

They share no code with roilab's networks, so that a comparison finds mistakes.
"""

import torch
from torch import nn
from torch.nn import functional


def _convs(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _fit(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    down, right = like.size(2) - x.size(2), like.size(3) - x.size(3)
    return functional.pad(x, [right // 2, right - right // 2, down // 2, down - down // 2])


def _up(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


class _Holder(nn.Module):
    """Hold one module under a name such as ``conv``, as in the reference's keys."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        (module,) = self.children()
        return module(x)


def _double(inputs: int, outputs: int) -> nn.Module:
    return _Holder(conv=_convs(inputs, outputs))


class _Up(nn.Module):
    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.cat([skip, _fit(_up(x), skip)], dim=1))


def _down(inputs: int, outputs: int) -> nn.Module:
    return _Holder(mpconv=nn.Sequential(nn.MaxPool2d(2), _double(inputs, outputs)))


class UNet(nn.Module):
    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.inc = self._first(n_layers)
        self.down1, self.down2 = _down(64, 128), _down(128, 256)
        self.down3, self.down4 = _down(256, 512), _down(512, 512)
        self.up1, self.up2 = _Up(_double(1024, 256)), _Up(_double(512, 128))
        self.up3, self.up4 = _Up(_double(256, 64)), _Up(_double(128, 64))
        self.outc = _Holder(conv=nn.Conv2d(64, 1, 1))

    def _first(self, n_layers: int) -> nn.Module:
        return _Holder(conv=_double(n_layers, 64))

    def bottleneck(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.inc(x)
        b = self.down1(a)
        c = self.down2(b)
        d = self.down3(c)
        x = self.up1(self.bottleneck(self.down4(d)), d)
        x = self.up4(self.up3(self.up2(x, c), b), a)
        return torch.sigmoid(self.outc(x))


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, first: bool = False) -> None:
        super().__init__()
        conv = [
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
        ]
        self.conv = nn.Sequential(*([] if first else [nn.BatchNorm2d(inputs), nn.ReLU()]), *conv)
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride=stride), nn.BatchNorm2d(outputs)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x) + self.shortcut(x)


class UResNet(nn.Module):
    def __init__(self, n_layers: int) -> None:
        super().__init__()
        self.inc = _Residual(n_layers, 64, 1, first=True)
        self.down1 = _Holder(mpconv=_Residual(64, 128, 2))
        self.down2 = _Holder(mpconv=_Residual(128, 256, 2))
        self.down3 = _Holder(mpconv=_Residual(256, 256, 2))
        self.up2 = _Up(_Residual(512, 128, 1))
        self.up3 = _Up(_Residual(256, 64, 1))
        self.up4 = _Up(_Residual(128, 64, 1))
        self.outc = _Holder(conv=nn.Conv2d(64, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.inc(x)
        b = self.down1(a)
        c = self.down2(b)
        x = self.up2(self.down3(c), c)
        return torch.sigmoid(self.outc(self.up4(self.up3(x, b), a)))


class _Vgg(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(x)).relu()
        return self.bn2(self.conv2(x)).relu()


class NestedUNet(nn.Module):
    WIDTHS = (32, 64, 128, 256, 512)

    def __init__(self, n_layers: int) -> None:
        super().__init__()
        w = self.WIDTHS
        for i in range(5):
            self.add_module(f"conv{i}_0", _Vgg(w[i - 1] if i else n_layers, w[i]))
            for j in range(1, 5 - i):
                self.add_module(f"conv{i}_{j}", _Vgg(j * w[i] + w[i + 1], w[i]))
        self.final = nn.Conv2d(w[0], 1, 1)

    def node(self, i: int, j: int, nodes: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
        """Compute a node by recursion, not by columns as roilab does."""
        if (i, j) not in nodes:
            if j == 0:
                x = functional.max_pool2d(self.node(i - 1, 0, nodes), 2)
            else:
                skips = [self.node(i, k, nodes) for k in range(j)]
                below = _up(self.node(i + 1, j - 1, nodes))
                x = torch.cat([*skips, _fit(below, skips[0])], dim=1)
            nodes[i, j] = self.get_submodule(f"conv{i}_{j}")(x)
        return nodes[i, j]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes = {(0, 0): self.get_submodule("conv0_0")(x)}
        return torch.sigmoid(self.final(self.node(0, 4, nodes)))


class _Position(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features, (height, width) = 512, x.shape[2:]
        code = torch.zeros(features, height, width)
        quarter = features // 4
        for k in range(quarter):
            wave = 10000.0 ** (-k / quarter)
            rows, columns = torch.arange(height) * wave, torch.arange(width) * wave
            code[k] = rows.sin()[:, None]
            code[quarter + k] = rows.cos()[:, None]
            code[2 * quarter + k] = columns.sin()
            code[3 * quarter + k] = columns.cos()
        return x + code


class _Mlp(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(features, 4 * features), nn.Linear(4 * features, features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class _Block(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.attn = nn.MultiheadAttention(features, 8, batch_first=True)
        self.mlp = _Mlp(features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm1(x)
        x = x + self.attn(y, y, y)[0]
        return x + self.mlp(self.norm2(x))


class TransformerUNet(UNet):
    def __init__(self, n_layers: int) -> None:
        super().__init__(n_layers)
        self.pos2d = _Position()
        self.blocks = nn.ModuleList(_Block(512) for _ in range(4))

    def _first(self, n_layers: int) -> nn.Module:
        return _double(n_layers, 64)

    def bottleneck(self, x: torch.Tensor) -> torch.Tensor:
        height, width = x.shape[2:]
        tokens = self.pos2d(x).flatten(2).transpose(1, 2)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.transpose(1, 2).unflatten(2, (height, width))
