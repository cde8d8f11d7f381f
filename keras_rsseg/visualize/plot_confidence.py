"""How sure a model is, as a map."""

import numpy as np
from rasterio.enums import Resampling

from keras_rsseg.scenes.pictures.map_figure import MapFigure
from keras_rsseg.scenes.pictures.map_picture import picture_shape
from keras_rsseg.scenes.reading.scene_source import open_scene


def plot_confidence(raster, *, max_size=1024, title=None):
    """Draw the uncertainty, or the probabilities, of a map.

    Of probabilities the highest of each pixel is shown. In both, bright is
    sure and dark is not; what holds no data is grey.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        raster: path of a raster that `predict_scene` wrote: `uncertainty`
            (one band), or `probabilities` (one band a class).
        max_size: length of the picture's longer side, pixels, at most.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("confidence.png")`.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: without matplotlib.
        ValueError: if the raster's values are not from 0 to 1.

    Example:

    ```python
    keras_rsseg.predict_scene(
        model, "scene.tif", "classes.tif", uncertainty="uncertainty.tif"
    )
    figure = keras_rsseg.visualize.plot_confidence("uncertainty.tif")
    figure.savefig("confidence.png")
    ```
    """
    with open_scene(raster) as dataset:
        values = _read(dataset, max_size)
        figure = MapFigure(dataset, values.shape, title=title)
        single = dataset.count == 1
        image = figure.show(
            0,
            values,
            vmin=0,
            vmax=1,
            cmap="viridis_r" if single else "viridis",
            interpolation="nearest",
        )
        figure.figure.colorbar(
            image,
            ax=figure.panels[0],
            location="bottom",
            shrink=0.6,
            aspect=40,
            pad=0.02,
            label="uncertainty (0: sure)"
            if single
            else "probability of the likeliest class",
        )
        figure.add_scale_bar(0)
    return figure.figure


def _read(dataset, max_size):
    """The values, the highest band's, masked where there is no data."""
    shape = picture_shape(dataset, max_size)
    highest = None
    for band in dataset.indexes:
        values = dataset.read(
            band, out_shape=shape, resampling=Resampling.nearest, masked=True
        )
        values = values * np.float32(dataset.scales[band - 1])
        values = values + np.float32(dataset.offsets[band - 1])
        values = np.ma.masked_invalid(values.astype("float32"))
        highest = values if highest is None else np.ma.maximum(highest, values)
    known = highest.compressed()
    if len(known) and not (known.min() >= 0 and known.max() <= 1.001):
        raise ValueError(
            "`raster` must hold uncertainties or probabilities, from 0 to "
            f"1. Received: {dataset.name} with values from "
            f"{known.min():g} to {known.max():g}"
        )
    return highest
