"""PFNet on a ResNet, as released."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmarks.plain_pytorch.blocks import Bottleneck
from benchmarks.plain_pytorch.blocks import conv
from benchmarks.plain_pytorch.blocks import conv_bn
from benchmarks.plain_pytorch.blocks import conv_bn_relu
from benchmarks.plain_pytorch.blocks import resize


def stage(
    channels: int, width: int, blocks: int, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Bottlenecks, the first of which changes size and channels."""
    return nn.Sequential(
        Bottleneck(channels, width, stride, dilation),
        *(Bottleneck(4 * width, width, 1, dilation) for _ in range(blocks - 1)),
    )


class PyramidPooling(nn.Module):
    """Means of 1, 4, 9 and 36 parts of a map, joined with the map."""

    def __init__(self, channels: int, filters: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(bins), *conv_bn(channels, filters, 1)
            )
            for bins in (1, 2, 3, 6)
        )
        self.bottleneck = conv_bn_relu(channels + 4 * filters, filters, 1)
        self.bottleneck.append(nn.Dropout2d(0.1))

    def forward(self, x: torch.Tensor):
        size = x.shape[2:]
        pooled = [resize(stage(x), size) for stage in self.stages]
        return self.bottleneck(torch.cat([*pooled, x], 1))


def gather(maps: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Pixels (batch, channels, points) at flat indices (batch, points)."""
    index = index[:, None].expand(-1, maps.shape[1], -1)
    return maps.flatten(2).gather(2, index)


def flow(coarse: torch.Tensor, fine: torch.Tensor) -> torch.Tensor:
    """Points of the fine map plus what they gather from the coarse map's."""
    affinity = torch.einsum("bcp,bcq->bpq", fine, coarse).softmax(-1)
    return torch.einsum("bpq,bcq->bcp", affinity, coarse) + fine


class PointFlow(nn.Module):
    """Replaces matched points of a fine map; the rest does not change."""

    def __init__(
        self,
        channels: int,
        dim: int = 64,
        pool: int = 14,
        context: int = 9,
        edge_points: int = 128,
    ) -> None:
        super().__init__()
        self.pool, self.context = pool, context
        self.edge_points = edge_points
        match = {"match_conv": conv(2 * dim, 1, 3, bias=True)}
        self.point_matcher = nn.ModuleDict(match)
        self.down_h = conv(channels, dim, 1, bias=True)
        self.down_l = conv(channels, dim, 1, bias=True)
        self.edge_final = conv_bn_relu(channels, channels, 3)
        self.edge_final.append(conv(channels, 1, 3))

    def forward(self, coarse: torch.Tensor, fine: torch.Tensor):
        size = h, w = coarse.shape[2:]
        height, width = fine.shape[2:]
        maps = [self.down_h(coarse), resize(self.down_l(fine), size)]
        match = self.point_matcher["match_conv"]
        saliency = torch.sigmoid(match(torch.cat(maps, 1)))
        pooled = functional.adaptive_avg_pool2d(saliency, self.context)
        edges = self.edge_final(coarse - coarse * resize(pooled, size))

        count = min(self.edge_points, h * w)
        edge_index = edges.flatten(1).topk(count).indices
        x = (edge_index % w + 0.5) / w * 2 - 1
        y = (edge_index // w + 0.5) / h * 2 - 1
        points = torch.stack([x, y], -1)[:, None]
        edge_points = flow(
            *(
                functional.grid_sample(maps, points, align_corners=False)[
                    :, :, 0
                ]
                for maps in (coarse, fine)
            )
        )
        highest, index = functional.adaptive_max_pool2d(
            saliency, self.pool, return_indices=True
        )
        index = index.flatten(1)
        salient = coarse + coarse * resize(highest, size)
        fine_index = self.fine_index(index, w, height / h, width)
        salient_points = flow(gather(salient, index), gather(fine, fine_index))
        replaced = fine.flatten(2)
        for at, values in (
            (self.fine_index(edge_index, w, height / h, width), edge_points),
            (fine_index, salient_points),
        ):
            at = at[:, None].expand(-1, fine.shape[1], -1)
            replaced = replaced.scatter(2, at, values)
        return replaced.view_as(fine), edges

    @staticmethod
    def fine_index(
        index: torch.Tensor, w: int, ratio: int, width: int
    ) -> torch.Tensor:
        """Convert a flat index of the coarse map to one of the fine map."""
        x = (index % w).float() * ratio
        y = torch.div(index, w, rounding_mode="floor").float() * ratio
        return (x + y * width).long()


class Head(nn.Module):
    """Feature pyramid whose levels are joined by points."""

    def __init__(self, num_classes: int, dim: int) -> None:
        super().__init__()
        self.ppm = PyramidPooling(2048, dim)
        channels = 256, 512, 1024
        self.fpn_in = nn.ModuleList(
            conv_bn_relu(n, dim, 1, bias=True) for n in channels
        )
        self.fpn_out = nn.ModuleList(
            nn.Sequential(conv_bn_relu(dim, dim, 3)) for _ in channels
        )
        self.fpn_out_align = nn.ModuleList(PointFlow(dim) for _ in channels)
        self.conv_last = nn.Sequential(
            conv_bn_relu(4 * dim, dim, 3), conv(dim, num_classes, 1, bias=True)
        )

    def forward(self, pyramid: list[torch.Tensor]):
        x = self.ppm(pyramid[-1])
        levels, edges = [x], []
        for i in (2, 1, 0):
            lateral = self.fpn_in[i](pyramid[i])
            aligned, edge = self.fpn_out_align[i](x, lateral)
            x = lateral + aligned
            levels.insert(0, self.fpn_out[i](x))
            edges.append(edge)
        size = levels[0].shape[2:]
        levels[1:] = [resize(level, size) for level in levels[1:]]
        return self.conv_last(torch.cat(levels, 1)), edges


class PFNet(nn.Module):
    """PFNet.

    Args:
        num_classes: int.
        blocks: blocks in the four stages of the ResNet; defaults to those of
            50 layers.
        dim: channels of the decoder.

    `forward()` takes (batch, 3, height, width) and returns logits of the same
    size, in training also the three edge logits of this size.
    """

    def __init__(
        self,
        num_classes: int,
        blocks: Sequence[int] = (3, 4, 6, 3),
        dim: int = 256,
    ) -> None:
        super().__init__()
        self.layer0 = nn.Sequential(
            nn.Sequential(
                *conv_bn_relu(3, 64, 3, 2),
                *conv_bn_relu(64, 64, 3),
                conv(64, 128, 3),
            ),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, 1),
        )
        self.layer1 = stage(128, 64, blocks[0])
        self.layer2 = stage(256, 128, blocks[1], 2)
        self.layer3 = stage(512, 256, blocks[2], 2, 2)
        self.layer4 = stage(1024, 512, blocks[3], 2, 4)
        self.head = Head(num_classes, dim)

    def forward(self, x: torch.Tensor):
        size = x.shape[2:]
        x = self.layer0(x)
        pyramid = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            pyramid.append(x)
        logits, edges = self.head(pyramid)
        logits = resize(logits, size)
        if not self.training:
            return logits
        return logits, [resize(edge, size) for edge in edges]


def loss_of(
    outputs: Any, masks: torch.Tensor, edges: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy plus the balanced cross-entropy of edges, as in the paper.

    Args:
        outputs: the outputs of `PFNet` in training.
        masks: int (batch, height, width), void is 255.
        edges: float of the same shape, 1 on an edge, else 0.

    Returns:
        float tensor.
    """
    logits, edge_logits = outputs
    loss = functional.cross_entropy(logits, masks, ignore_index=255)
    share = edges.mean()
    weight = torch.where(edges > 0, 1 - share, share)
    for edge in edge_logits:
        loss = loss + 25 * functional.binary_cross_entropy_with_logits(
            edge[:, 0], edges, weight
        )
    return loss
