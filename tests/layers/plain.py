"""The layers' building blocks in plain NumPy, float64, channels last.

Written from the definitions, pixel by pixel, only for tiny maps.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def convolution(x, kernel, bias=0.0):
    """Zero-padded, stride 1. `x` (B, H, W, C), `kernel` (k, k, C, F)."""
    size = kernel.shape[0]
    pad = size // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    _, height, width, _ = x.shape
    out = np.zeros((*x.shape[:3], kernel.shape[3])) + bias
    for i in range(size):
        for j in range(size):
            window = padded[:, i : i + height, j : j + width]
            out += window @ kernel[i, j]
    return out


def dilated(kernel, rate):
    """The kernel with zeros between its taps."""
    size = rate * (kernel.shape[0] - 1) + 1
    larger = np.zeros((size, size, *kernel.shape[2:]))
    larger[::rate, ::rate] = kernel
    return larger


def depthwise_convolution(x, kernel):
    """Each channel separately. `kernel` (k, k, 1, C)."""
    return np.concatenate(
        [
            convolution(x[..., c : c + 1], kernel[..., c : c + 1])
            for c in range(x.shape[-1])
        ],
        axis=-1,
    )


def normalization(x, batch_norm):
    """Inference-mode batch normalization with the weights of a layer."""
    gamma, beta, mean, variance = (
        np.asarray(w, "float64") for w in batch_norm.get_weights()
    )
    scale = gamma / np.sqrt(variance + batch_norm.epsilon)
    return (x - mean) * scale + beta


def sample(image, y, x):
    """Bilinear value of `image` (H, W, C) at a pixel position inside it."""
    top, left = int(np.floor(y)), int(np.floor(x))
    bottom = min(top + 1, image.shape[0] - 1)
    right = min(left + 1, image.shape[1] - 1)
    v, u = y - top, x - left
    return (1 - v) * ((1 - u) * image[top, left] + u * image[top, right]) + (
        v * ((1 - u) * image[bottom, left] + u * image[bottom, right])
    )


def resize_aligned(x, size):
    """Bilinear resizing with the corner pixels aligned."""
    batch, height, width, channels = x.shape
    out = np.zeros((batch, *size, channels))
    for b, i, j in np.ndindex(batch, *size):
        y = i * (height - 1) / (size[0] - 1) if size[0] > 1 else 0.0
        z = j * (width - 1) / (size[1] - 1) if size[1] > 1 else 0.0
        out[b, i, j] = sample(x[b], y, z)
    return out


def windows(x, bins):
    """Adaptive pooling windows: yields (i, j, first row, column, window)."""
    _, height, width, _ = x.shape
    for i, j in np.ndindex(bins, bins):
        top, left = i * height // bins, j * width // bins
        bottom = -(-(i + 1) * height // bins)
        right = -(-(j + 1) * width // bins)
        yield i, j, top, left, x[:, top:bottom, left:right]


def average_pool(x, bins):
    out = np.zeros((x.shape[0], bins, bins, x.shape[3]))
    for i, j, _, _, window in windows(x, bins):
        out[:, i, j] = window.mean((1, 2))
    return out


def resize_half_pixel(x, size):
    """Bilinear resizing with the outer borders aligned."""
    batch, height, width, channels = x.shape
    out = np.zeros((batch, *size, channels))
    for b, i, j in np.ndindex(batch, *size):
        y = np.clip((i + 0.5) * height / size[0] - 0.5, 0, height - 1)
        z = np.clip((j + 0.5) * width / size[1] - 0.5, 0, width - 1)
        out[b, i, j] = sample(x[b], y, z)
    return out
