"""The package's ops as plain loops in float64: the ground truth."""

import math

import numpy as np


def source_position(output, output_length, input_length, align_corners):
    if align_corners:
        if output_length == 1:
            return 0.0
        return output * (input_length - 1) / (output_length - 1)
    position = (output + 0.5) * input_length / output_length - 0.5
    return min(max(position, 0.0), input_length - 1.0)


def resize_bilinear(images, size, align_corners):
    """Channels-last images to channels-last images."""
    batch, height, width, channels = images.shape
    result = np.zeros((batch, *size, channels))
    for i in range(size[0]):
        y = source_position(i, size[0], height, align_corners)
        for j in range(size[1]):
            x = source_position(j, size[1], width, align_corners)
            result[:, i, j] = bilinear(images, y, x)
    return result


def bilinear(images, y, x):
    """Values at one position; zero outside the images."""
    _, height, width, _ = images.shape
    top, left = math.floor(y), math.floor(x)
    value = np.zeros((images.shape[0], images.shape[3]))
    for row in (top, top + 1):
        for column in (left, left + 1):
            if 0 <= row < height and 0 <= column < width:
                weight = (1 - abs(y - row)) * (1 - abs(x - column))
                value += weight * images[:, row, column].astype("float64")
    return value


def resize_nearest(images, size):
    _, height, width, _ = images.shape
    rows = [i * height // size[0] for i in range(size[0])]
    columns = [j * width // size[1] for j in range(size[1])]
    return images[:, rows][:, :, columns]


def grid_sample(images, grid, interpolation, padding_mode, align_corners):
    batch, height, width, channels = images.shape
    result = np.zeros((*grid.shape[:3], channels))
    for b, i, j in np.ndindex(*grid.shape[:3]):
        x, y = (
            pixel_position(float(coordinate), length, align_corners)
            for coordinate, length in zip(
                grid[b, i, j], (width, height), strict=True
            )
        )
        if padding_mode == "border":
            x = min(max(x, 0), width - 1)
            y = min(max(y, 0), height - 1)
        if interpolation == "nearest":
            x, y = round(x), round(y)
        result[b, i, j] = bilinear(images[b : b + 1], y, x)[0]
    return result


def pixel_position(coordinate, length, align_corners):
    if align_corners:
        return (coordinate + 1) / 2 * (length - 1)
    return ((coordinate + 1) * length - 1) / 2


def flow_warp(features, flow):
    batch, height, width, _ = flow.shape
    h, w = features.shape[1:3]
    result = np.zeros((batch, height, width, features.shape[-1]))
    for b, i, j in np.ndindex(batch, height, width):
        x, y = (float(component) for component in flow[b, i, j])
        row = i / max(height - 1, 1) + y / height / 2
        column = j / max(width - 1, 1) + x / width / 2
        result[b, i, j] = bilinear(
            features[b : b + 1], row * (h - 1), column * (w - 1)
        )[0]
    return result


def windows(output_length, input_length):
    for i in range(output_length):
        start = math.floor(i * input_length / output_length)
        end = math.ceil((i + 1) * input_length / output_length)
        yield i, start, end


def adaptive_average_pool(images, output_size):
    batch, height, width, channels = images.shape
    result = np.zeros((batch, *output_size, channels))
    for i, top, bottom in windows(output_size[0], height):
        for j, left, right in windows(output_size[1], width):
            window = images[:, top:bottom, left:right].astype("float64")
            result[:, i, j] = window.mean(axis=(1, 2))
    return result


def adaptive_max_pool(images, output_size):
    """Maxima and their flat indices, the first of equal ones."""
    batch, height, width, channels = images.shape
    maxima = np.zeros((batch, *output_size, channels), images.dtype)
    indices = np.zeros((batch, *output_size, channels), "int32")
    for i, top, bottom in windows(output_size[0], height):
        for j, left, right in windows(output_size[1], width):
            for b, c in np.ndindex(batch, channels):
                window = images[b, top:bottom, left:right, c]
                row, column = np.unravel_index(window.argmax(), window.shape)
                maxima[b, i, j, c] = window[row, column]
                indices[b, i, j, c] = (top + row) * width + left + column
    return maxima, indices


def boundary_band(mask, radius_squared):
    """One (H, W) mask to one (H, W) band."""
    height, width = mask.shape
    padded = np.pad(mask != 0, 1)
    band = np.zeros((height, width))
    for y, x in np.argwhere(mask != 0):
        neighbours = (
            padded[y, x + 1],
            padded[y + 2, x + 1],
            padded[y + 1, x],
            padded[y + 1, x + 2],
        )
        if not all(neighbours):
            rows, columns = np.ogrid[:height, :width]
            band[(rows - y) ** 2 + (columns - x) ** 2 <= radius_squared] = 1
    return band
