"""The points of a PFNet over the image they were sampled from."""

import numpy as np

from keras_rsseg.visualize.sampled_points import sampled_points


def plot_points(model, image, title=None):
    """Draw the salient and the boundary points of each level over an image.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        model: `keras_rsseg.PFNet`.
        image: array `(height, width, bands)`, a tile as for `predict()`. Its
            first three bands are shown, or the first one alone of fewer,
            uint8 as they are, others from their smallest to their largest
            value.
        title: str, above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure` with one panel a level, coarsest first.
        Save it by `figure.savefig("points.png")`.

    Raises:
        ImportError: without matplotlib.
        ValueError: if the network has no PointFlow layer, or `image` is not
            of rank 3.

    Example:

    ```python
    image = np.zeros((256, 256, 3), "uint8")
    figure = keras_rsseg.visualize.plot_points(model, image)
    figure.savefig("points.png")
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          figure 4
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "`plot_points` needs matplotlib: pip install matplotlib"
        ) from error

    image = np.asarray(image)
    if image.ndim != 3:
        raise ValueError(
            "`image` must have shape (height, width, bands). Received: "
            f"image.shape={image.shape}"
        )
    levels = sampled_points(model, image[None])
    height, width = image.shape[:2]
    figure = Figure(
        figsize=(4 * len(levels), 4 * height / width + 0.6),
        layout="constrained",
    )
    panels = figure.subplots(1, len(levels), squeeze=False)[0]
    for panel, level in zip(panels, levels, strict=True):
        panel.imshow(_shown(image), extent=(0, width, height, 0), cmap="gray")
        _scatter(panel, level.boundary[0], "x", "deepskyblue", "boundary")
        _scatter(panel, level.salient[0], "o", "orange", "salient")
        panel.set_title(level.layer, fontsize="small")
        panel.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    if title:
        figure.suptitle(title)
    return figure


def _scatter(panel, points, marker, color, label):
    if len(points):
        panel.scatter(
            points[:, 1],
            points[:, 0],
            s=12,
            marker=marker,
            color=color,
            linewidths=0.8,
            label=f"{label} points",
        )


def _shown(image):
    image = image[..., :3] if image.shape[-1] >= 3 else image[..., 0]
    if image.dtype == "uint8":
        return image
    image = image.astype("float32")
    low, high = np.nanmin(image), np.nanmax(image)
    return (image - low) / max(high - low, 1e-12)
