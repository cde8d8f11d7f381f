"""HRNetV2 as released, and with the module of the IFWM paper."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from benchmarks.plain_pytorch.blocks import BasicBlock
from benchmarks.plain_pytorch.blocks import Bottleneck
from benchmarks.plain_pytorch.blocks import conv
from benchmarks.plain_pytorch.blocks import conv_bn
from benchmarks.plain_pytorch.blocks import conv_bn_relu
from benchmarks.plain_pytorch.blocks import resize


class Warp(nn.Module):
    """IFWM: resizes a coarse map with a flow computed from both maps."""

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        self.fine = conv(channels, 2, 1, bias=True)
        self.region = conv(channels, 2, 2 * ratio - 1)

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor):
        size = height, width = fine.shape[2:]
        flow = self.fine(fine) + self.region(resize(coarse, size))
        x = torch.linspace(-1, 1, width, device=flow.device)
        y = torch.linspace(-1, 1, height, device=flow.device)[:, None]
        grid = torch.stack(
            [x + flow[:, 0] / width, y + flow[:, 1] / height], -1
        )
        return functional.grid_sample(coarse, grid, align_corners=True)


class Resize(nn.Module):
    """The same without a flow."""

    def forward(self, fine: torch.Tensor, coarse: torch.Tensor):
        return resize(coarse, fine.shape[2:])


def downwards(channels: int, widths: Sequence[int]) -> nn.Sequential:
    """Strided convolutions from one branch to a coarser one."""
    steps = [
        conv_bn_relu(channels, channels, 3, 2) for _ in range(len(widths) - 1)
    ]
    return nn.Sequential(*steps, conv_bn(channels, widths[-1], 3, 2))


class Module(nn.Module):
    """Branches of several sizes, four blocks each, and their exchange."""

    def __init__(self, widths: Sequence[int], ifwm: bool) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(4)))
            for width in widths
        )
        self.fuse_layers = nn.ModuleList()
        self.warps = nn.ModuleList()
        for i, width in enumerate(widths):
            layers, warps = nn.ModuleList(), nn.ModuleList()
            for j, other in enumerate(widths):
                if j > i:
                    layers.append(conv_bn(other, width, 1))
                    ratio = 2 ** (j - i)
                    warps.append(Warp(width, ratio) if ifwm else Resize())
                else:
                    layers.append(
                        nn.Identity()
                        if i == j
                        else downwards(other, widths[j + 1 : i + 1])
                    )
                    warps.append(nn.Identity())
            self.fuse_layers.append(layers)
            self.warps.append(warps)

    def forward(self, maps: list[torch.Tensor]):
        maps = [
            branch(x) for branch, x in zip(self.branches, maps, strict=True)
        ]
        return [self.fuse(i, maps) for i in range(len(maps))]

    def fuse(self, i: int, maps: list[torch.Tensor]) -> torch.Tensor:
        """The next input of one branch."""
        total = maps[i]
        for j, x in enumerate(maps):
            if j == i:
                continue
            x = self.fuse_layers[i][j](x)
            total = total + (self.warps[i][j](maps[i], x) if j > i else x)
        return torch.relu(total)


def modules(count: int, widths: Sequence[int], ifwm: bool) -> nn.Sequential:
    """One stage."""
    return nn.Sequential(*(Module(widths, ifwm) for _ in range(count)))


class HRNet(nn.Module):
    """HRNetV2.

    Args:
        num_classes: int.
        width: int, channels of the finest branch.
        ifwm: bool, whether maps are joined by the IFWM paper's module.

    `forward()` takes (batch, 3, height, width) and returns logits of the same
    size.
    """

    def __init__(
        self, num_classes: int, width: int = 18, ifwm: bool = False
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        self.conv1 = conv(3, 64, 3, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = conv(64, 64, 3, 2)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 64), *(Bottleneck(256, 64) for _ in range(3))
        )
        self.transition1 = nn.ModuleList(
            [
                conv_bn_relu(256, widths[0], 3),
                nn.Sequential(conv_bn_relu(256, widths[1], 3, 2)),
            ]
        )
        self.stage2 = modules(1, widths[:2], ifwm)
        self.transition2 = nn.ModuleDict(
            {"2": nn.Sequential(conv_bn_relu(widths[1], widths[2], 3, 2))}
        )
        self.stage3 = modules(4, widths[:3], ifwm)
        self.transition3 = nn.ModuleDict(
            {"3": nn.Sequential(conv_bn_relu(widths[2], widths[3], 3, 2))}
        )
        self.stage4 = modules(3, widths, ifwm)
        channels = sum(widths)
        self.last_layer = nn.Sequential(
            *conv_bn_relu(channels, channels, 1, bias=True),
            conv(channels, num_classes, 1, bias=True),
        )

    def forward(self, x: torch.Tensor):
        size = x.shape[2:]
        x = torch.relu(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)))
        x = self.layer1(x)
        maps = self.stage2([layer(x) for layer in self.transition1])
        maps = self.stage3([*maps, self.transition2["2"](maps[-1])])
        maps = self.stage4([*maps, self.transition3["3"](maps[-1])])
        finest = maps[0].shape[2:]
        maps[1:] = [resize(x, finest) for x in maps[1:]]
        return resize(self.last_layer(torch.cat(maps, 1)), size)
