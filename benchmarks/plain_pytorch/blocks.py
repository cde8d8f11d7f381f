"""Building blocks of both networks."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional


def conv(
    channels: int,
    filters: int,
    size: int,
    stride: int = 1,
    dilation: int = 1,
    bias: bool = False,
) -> nn.Conv2d:
    """A convolution with equal padding on both sides."""
    padding = dilation * (size - 1) // 2
    return nn.Conv2d(
        channels, filters, size, stride, padding, dilation, bias=bias
    )


def conv_bn(
    channels: int, filters: int, size: int, stride: int = 1, bias: bool = False
) -> list[nn.Module]:
    """Convolution and batch norm."""
    return nn.Sequential(
        conv(channels, filters, size, stride, bias=bias),
        nn.BatchNorm2d(filters),
    )


def conv_bn_relu(
    channels: int, filters: int, size: int, stride: int = 1, bias: bool = False
) -> list[nn.Module]:
    """Convolution, batch norm and ReLU."""
    return conv_bn(channels, filters, size, stride, bias).append(nn.ReLU())


def resize(
    x: torch.Tensor, size: Sequence[int], align_corners: bool = True
) -> torch.Tensor:
    """Resize bilinearly."""
    return functional.interpolate(
        x, size, mode="bilinear", align_corners=align_corners
    )


class Bottleneck(nn.Module):
    """1 x 1 to fewer channels, 3 x 3, 1 x 1 to four times as many, shortcut."""

    def __init__(
        self, channels: int, width: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        filters = 4 * width
        self.conv1 = conv(channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3, stride, dilation)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = conv(width, filters, 1)
        self.bn3 = nn.BatchNorm2d(filters)
        self.downsample = None
        if stride > 1 or channels != filters:
            self.downsample = conv_bn(channels, filters, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return torch.relu(y + shortcut)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions of the same width, and a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = conv(width, width, 3)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + x)
