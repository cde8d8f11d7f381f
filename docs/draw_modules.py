"""Draw the site's pictures: maps, points and flows on the sample scene.

    KERAS_BACKEND=torch python -m docs.draw_modules

writes pictures to `docs/images/`: the harbour mapped by the two presets in the
package, with and without seams, and the uncertainty; the points that PointFlow
matches, and the flow by which IFWM warps a coarse map. Needs matplotlib.
"""

import pathlib
import tempfile
from typing import TYPE_CHECKING
from typing import Any

import keras
import numpy as np
import rasterio
from keras import ops

import keras_rsseg
from examples.draw_maps import draw_picture
from examples.draw_maps import map_colors
from examples.draw_maps import save
from keras_rsseg.layers import ImprovedFlowWarp
from keras_rsseg.ops import flow_warp
from keras_rsseg.scenes import SceneReader
from keras_rsseg.scenes import open_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGES = pathlib.Path(__file__).parent / "images"
SCENE = pathlib.Path(__file__).parents[1] / "examples" / "data" / "harbour.tif"
PRESETS = {
    "harbour_pfnet.jpg": "pfnet_hrnet_ifwm_w18_land_cover",
    "harbour_hrnet.jpg": "hrnet_ifwm_w18_land_cover",
}


def sample_tile(size: int = 288) -> np.ndarray:
    """Return the scene as the presets read it, at 0.8 m per pixel.

    Args:
        size: length of the tile, pixels.
    """
    with open_scene(SCENE) as dataset:
        scene = SceneReader(dataset, bands=[1, 2, 3])
        with scene.resampled(313, 313) as grid:
            pixels, _ = grid.read(0, 0, size, size)
    return pixels


def flow_of(
    model: keras.Model, tile: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the flow of a network's IFWM on the finest map, for a tile.

    Args:
        model: an HRNet with `fusion="ifwm"`.
        tile: array `(height, width, 3)`.

    Returns:
        `(flow, offsets)`, arrays `(H, W, 2)`: the flow, and how far each
        point of the fine map reaches right and down, in pixels of the tile.
    """
    encoder = model.backbone.image_encoder
    layers = [
        layer
        for layer in encoder._flatten_layers()
        if isinstance(layer, ImprovedFlowWarp)
    ]
    inputs = keras.Model(encoder.input, [layer.input for layer in layers])
    prepared = ops.cast(model.preprocessor(tile[None]), "float32")
    pairs = inputs(prepared, training=False)
    # The last one that joins the coarsest map to the finest.
    place = max(
        range(len(layers)),
        key=lambda i: (pairs[i][0].shape[1] / pairs[i][1].shape[1], i),
    )
    layer, (fine, coarse) = layers[place], pairs[place]
    flow = ops.convert_to_numpy(layer.flow_conv(fine, coarse))[0]
    height, width = flow.shape[:2]
    h, w = coarse.shape[1:3]
    # One unit is (w - 1) / (2 W) pixels of the coarse map, see flow_warp.
    unit = np.array([(w - 1) / (2 * width), (h - 1) / (2 * height)])
    to_tile = np.array([tile.shape[1] / w, tile.shape[0] / h])
    return flow, flow * unit * to_tile


def draw_flow(model: Any, tile: np.ndarray) -> "Figure":
    """Draw arrows over a tile that show where IFWM reads the coarse map.

    Args:
        model: an HRNet with `fusion="ifwm"`.
        tile: array `(height, width, 3)`.
    """
    from matplotlib.figure import Figure

    _, offsets = flow_of(model, tile)
    height, width = tile.shape[:2]
    rows, columns = offsets.shape[:2]
    figure = Figure(figsize=(9.6, 4.9), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(tile, extent=(0, width, height, 0))
    step = max(1, rows // 18)
    y = (np.arange(0, rows, step) + 0.5) * height / rows
    x = (np.arange(0, columns, step) + 0.5) * width / columns
    part = offsets[::step, ::step]
    left.quiver(
        *(x, y, part[..., 0], part[..., 1]),
        angles="xy",
        scale_units="xy",
        scale=0.25,
        width=0.004,
        color="orange",
    )
    left.set_title("from where the coarse map is fetched (x 4)")
    length = np.hypot(offsets[..., 0], offsets[..., 1])
    shown = right.imshow(length, extent=(0, width, height, 0), cmap="magma")
    right.set_title("length of the flow")
    figure.colorbar(shown, ax=right, label="pixels of the tile", shrink=0.8)
    for panel in (left, right):
        panel.set_axis_off()
    return figure


def draw_warp() -> "Figure":
    """Draw a toy example: a coarse square, resized and warped by a flow."""
    from matplotlib.figure import Figure

    coarse = np.zeros((1, 8, 8, 1), "float32")
    coarse[0, 2:6, 2:6] = 1
    still = np.zeros((1, 32, 32, 2), "float32")
    shrinking = still.copy()
    centre = np.linspace(-1, 1, 32)
    shrinking[0, ..., 0] = 3 * centre[None, :]
    shrinking[0, ..., 1] = 3 * centre[:, None]
    figure = Figure(figsize=(9.6, 3.4), layout="constrained")
    panels = figure.subplots(1, 3)
    maps = {
        "coarse map, 8 x 8": coarse,
        "resized to 32 x 32": flow_warp(coarse, still),
        "warped by a flow": flow_warp(coarse, shrinking),
    }
    for panel, (title, values) in zip(panels, maps.items(), strict=True):
        panel.imshow(
            ops.convert_to_numpy(values)[0, ..., 0],
            extent=(0, 32, 32, 0),
            cmap="magma",
            vmin=0,
            vmax=1,
        )
        panel.set_title(title)
        panel.set_axis_off()
    grid = np.arange(2, 32, 4)
    panels[2].quiver(
        *(grid, grid),
        shrinking[0, grid][:, grid, 0],
        shrinking[0, grid][:, grid, 1],
        angles="xy",
        scale_units="xy",
        scale=1,
        color="orange",
        width=0.008,
    )
    return figure


def draw_choices(model: Any, tile_size: int = 128) -> "Figure":
    """Draw maps from small tiles, without and with overlap, and uncertainty.

    Args:
        model: a task with `palette`, or `display_palette`.
        tile_size: side of a tile in pixels.
    """
    from matplotlib.figure import Figure

    colors = np.array([*map_colors(model), *[(0, 0, 0)] * 256], "uint8")
    figure = Figure(figsize=(9.6, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        maps = {
            "tiles by themselves": {"overlap": 0},
            "tiles that overlap, blended": {
                "uncertainty": folder / "unsure.tif"
            },
        }
        for panel, (title, options) in zip(panels, maps.items(), strict=False):
            keras_rsseg.predict_scene(
                *(model, SCENE, folder / "map.tif"),
                tile_size=tile_size,
                overwrite=True,
                **options,
            )
            panel.imshow(colors[keras_rsseg.data.read_mask(folder / "map.tif")])
            panel.set_title(title)
        with rasterio.open(folder / "unsure.tif") as raster:
            doubt = raster.read(1, masked=True)
            doubt = doubt * raster.scales[0] + raster.offsets[0]
    shown = panels[2].imshow(doubt, cmap="magma", vmin=0, vmax=1)
    panels[2].set_title("how unsure it is")
    figure.colorbar(shown, ax=panels[2], shrink=0.8)
    for panel in panels:
        panel.set_axis_off()
    return figure


def main() -> None:
    """Draw all pictures."""
    IMAGES.mkdir(exist_ok=True)
    keras.utils.set_random_seed(1)
    tile = sample_tile()
    save(draw_warp(), IMAGES / "warp.png")
    models = {
        name: keras_rsseg.from_preset(preset)
        for name, preset in PRESETS.items()
    }
    figure = draw_flow(models["harbour_hrnet.jpg"], tile)
    save(figure, IMAGES / "flow.jpg")
    figure = keras_rsseg.visualize.plot_points(
        models["harbour_pfnet.jpg"], tile
    )
    save(figure, IMAGES / "points.jpg")
    figure = draw_choices(models["harbour_pfnet.jpg"])
    save(figure, IMAGES / "choices.jpg")
    for name, model in models.items():
        draw_picture(model, SCENE, IMAGES / name, max_size=420)


if __name__ == "__main__":
    main()
