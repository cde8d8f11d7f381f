"""Point flow in plain NumPy, point by point, with all its options.

Written from the definitions in the docstring of `PointFlow`.
"""

import fractions
import math

import numpy as np

from tests.layers import plain

CONVOLUTIONS = ("reduce_fine", "reduce_coarse", "match_conv", "boundary_logits")


def plain_fine_indices(indices, fine, coarse):
    """The released rounding: every product, then the sum, in float32."""
    row, column = (n.astype("float32") for n in divmod(indices, coarse[1]))
    ratio = np.float32(fine[0] / coarse[0])
    return (column * ratio + row * ratio * np.float32(fine[1])).astype("int32")


def nearest_fine_indices(indices, fine, coarse):
    """The pixel nearest to each centre, the first of equal ones."""
    found = []
    for index in indices:
        pixel = []
        for q, n, length in zip(
            divmod(int(index), coarse[1]), coarse, fine, strict=True
        ):
            centre = fractions.Fraction(2 * q + 1, 2 * n) * length
            pixel.append(math.ceil(centre) - 1)
        found.append(pixel[0] * fine[1] + pixel[1])
    return np.array(found)


def plain_maps(layer, fine, coarse):
    """Saliency and boundary logits of a layer, `None` if it has none."""
    weights = {
        name: [np.asarray(w, "float64") for w in sublayer.get_weights()]
        for name in CONVOLUTIONS
        if (sublayer := getattr(layer, name)) is not None
    }
    size = coarse.shape[1:3]
    saliency = logits = None
    if "match_conv" in weights:
        maps = [coarse, fine]
        if layer.saliency_from == "reduced":
            maps = [
                plain.convolution(coarse, *weights["reduce_coarse"]),
                plain.convolution(fine, *weights["reduce_fine"]),
            ]
        maps[1] = plain.resize_aligned(maps[1], size)
        matched = np.concatenate(maps, axis=-1)
        saliency = plain.sigmoid(
            plain.convolution(matched, *weights["match_conv"])
        )
    if "boundary_logits" in weights:
        factor = 1.0
        if layer.boundary_from != "direct":
            average = plain.average_pool(saliency, layer.avg_pool_size)
            average = plain.resize_aligned(average, size)
            sign = {"subtraction": -1, "addition": 1}[layer.boundary_from]
            factor = 1 + sign * average
        conv, norm = layer.boundary_conv.conv, layer.boundary_conv.batch_norm
        outline = plain.convolution(coarse * factor, np.asarray(conv.kernel))
        outline = np.maximum(plain.normalization(outline, norm), 0)
        logits = plain.convolution(outline, *weights["boundary_logits"])
    return saliency, logits


def plain_flow(fine_points, coarse_points):
    weights = plain.softmax(fine_points @ coarse_points.T)
    return weights @ coarse_points + fine_points


def plain_point_flow(layer, fine, coarse, random_points=None):
    """The fine map with its points replaced, and the boundary logits.

    `random_points` are the salient points `(batch, K)` of the random sampler.
    """
    saliency, logits = plain_maps(layer, fine, coarse)
    size, coarse_size = fine.shape[1:3], coarse.shape[1:3]
    grid = layer.max_pool_size
    if saliency is not None:
        maxima = np.zeros((len(fine), grid, grid, 1))
        pooled = np.zeros((len(fine), grid, grid), int)
        for i, j, top, left, window in plain.windows(saliency, grid):
            for b in range(len(fine)):
                y, x = np.unravel_index(
                    window[b, ..., 0].argmax(), window.shape[1:3]
                )
                maxima[b, i, j] = window[b, y, x]
                pooled[b, i, j] = (top + y) * coarse_size[1] + left + x
        boosted = coarse * (1 + plain.resize_aligned(maxima, coarse_size))
    out = fine.copy()
    for b in range(len(fine)):
        if "boundary" in layer.flows:
            order = np.argsort(-logits[b, ..., 0], axis=None)
            points = order[: layer.num_boundary_points]
            _replace(layer, out[b], fine[b], coarse[b], points, True)
        if "salient" in layer.flows:
            order = np.argsort(-saliency[b, ..., 0], axis=None)
            points = {
                "max_pool": pooled[b].ravel(),
                "attention": order[: grid**2],
                "random": None if random_points is None else random_points[b],
            }[layer.salient_sampler]
            sampled = layer.point_sampling == "bilinear"
            _replace(layer, out[b], fine[b], boosted[b], points, sampled)
    assert out.shape[1:3] == size
    return out, logits


def _replace(layer, out, fine, coarse, points, sampled):
    """Write one image's points; `sampled` reads the fine map bilinearly."""
    size, coarse_size = fine.shape[:2], coarse.shape[:2]
    match = {"released": plain_fine_indices, "bilinear": nearest_fine_indices}
    target = match[layer.point_sampling](points, size, coarse_size)
    target = np.unravel_index(target, size)
    fine_points = fine[target]
    if sampled:
        rows, columns = np.divmod(points, coarse_size[1])
        fine_points = np.array(
            [
                plain.sample(
                    fine,
                    (y + 0.5) / coarse_size[0] * size[0] - 0.5,
                    (x + 0.5) / coarse_size[1] * size[1] - 0.5,
                )
                for y, x in zip(rows, columns, strict=True)
            ]
        )
    coarse_points = coarse.reshape(-1, coarse.shape[-1])[points]
    out[target] = plain_flow(fine_points, coarse_points)
