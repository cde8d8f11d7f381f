"""Draw maps of presets: README's first picture, and presets side by side.

    python -m examples.draw_maps picture examples/data/harbour.tif \
        --preset PRESET --output examples/data/harbour_map.jpg

draws a scene beside its map, with a legend and a scale bar, and

    python -m examples.draw_maps sheet ../shared/data --presets BEFORE AFTER \
        --output sheet.png

a row for each of `SCENES`, with a column for the scene and for each preset;
`truth` instead of `sheet` draws the parts of Dubai's scenes in `TRUTH`, with a
column for the truth.
Scenes are read at the pixel size of the preset, or at `--gsd`. Both need
matplotlib: `pip install ".[plot]"`.
"""

import argparse
import pathlib
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import numpy as np
import rasterio

import keras_rsseg
from keras_rsseg.checks import Color
from keras_rsseg.class_legends import DUBAI
from keras_rsseg.class_legends import colors_of
from keras_rsseg.data import read_mask
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.map_figure import class_picture
from keras_rsseg.scenes.maps.map_figure import draw_scale_bar
from keras_rsseg.scenes.maps.map_figure import open_both
from keras_rsseg.scenes.maps.map_figure import scene_picture
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Scene(NamedTuple):
    """A scene of the sheet.

    Attributes:
        title: title of its row.
        path: path below the data folder.
        distance: metres per pixel, for a picture that does not state it.
        options: dict of arguments of `keras_rsseg.predict_scene`.
        truth: path of its mask below the folder of the data, in the colours
            of Dubai's.
    """

    title: str
    path: str
    distance: float | None = None
    options: Mapping[str, Any] = {}
    truth: str | None = None


# None of them was trained on. Only the buildings of the second have a mask.
SCENES = (
    Scene("Dutch harbour, 25 cm", "scenes/harbour_epsg28992.tif"),
    Scene("Kampala, 7.5 cm", "kampala/kampala_z21_rgb.tif"),
    Scene(
        "black corners, 10 cm",
        "scenes/tile_with_black_corners_epsg3395.tif",
        options={"nodata": "border"},
    ),
    Scene(
        "Californian coast, 10 cm",
        "open_scenes/california_coast_houses.jpg",
        0.1,
    ),
    Scene(
        "dunes, motorway, 10 cm",
        "open_scenes/california_dunes_motorway.jpg",
        0.1,
    ),
    Scene("Yellowstone, 10 cm", "open_scenes/yellowstone_road.jpg", 0.1),
    Scene("Virginia, 10 cm", "open_scenes/virginia_pasture.jpg", 0.1),
)
# Parts that nothing was trained on. Their licence allows showing them.
TRUTH = tuple(
    Scene(
        f"Dubai, scene {scene}, part {part}",
        f"dubai/tile_{scene}/images/image_part_{part:03d}.jpg",
        0.8,
        truth=f"dubai/tile_{scene}/masks/image_part_{part:03d}.png",
    )
    for scene, part in ((3, 9), (5, 3), (6, 6))
)
# Inches of a panel's width, of its title and of the legend; pixels per inch.
_WIDTH, _TITLE, _LEGEND = 3.2, 0.3, 0.5
_DPI = 110
_NO_DATA = "#d0d0d0"


def map_colors(model: Any) -> Sequence[Color] | None:
    """Return the colours for a model's maps.

    These are its own display colours. For the classes of Dubai they are
    today's, since older presets have none.

    Args:
        model: the result of `keras_rsseg.from_preset()`.
    """
    if (
        model.display_palette is None
        and tuple(model.class_names) == DUBAI["class_names"]
    ):
        return DUBAI["display_palette"]
    return colors_of(model)


def draw_picture(
    model: Any,
    scene: pathlib.Path,
    output: pathlib.Path,
    gsd: Any = "auto",
    max_size: int = 700,
) -> None:
    """Map a scene and draw it beside the map.

    Args:
        model: the result of `keras_rsseg.from_preset()`.
        scene: path of a raster.
        output: path of the picture; its suffix sets the format.
        gsd: pixel size at which the scene is read, see `predict_scene`.
        max_size: pixels of the longer side of scene and map.
    """
    with tempfile.TemporaryDirectory() as folder:
        classes = pathlib.Path(folder) / "classes.tif"
        _predict(model, scene, classes, ground_sample_distance=gsd)
        figure = keras_rsseg.visualize.plot_side_by_side(
            scene, classes, max_size=max_size
        )
    save(figure, output)


def draw_sheet(
    models: Mapping[str, Any],
    scenes: Sequence[Scene],
    root: pathlib.Path,
    gsd: Any = "auto",
) -> "Figure":
    """Map scenes with several presets and draw all maps on a sheet.

    Args:
        models: dict of the columns' titles to results of `from_preset()`.
        scenes: the scenes, one row each.
        root: folder of the scenes.
        gsd: pixel size at which scenes are read, see `predict_scene`.
    """
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for number, scene in enumerate(scenes):
            path = _placed(root / scene.path, scene.distance, folder)
            maps = []
            if scene.truth:
                maps.append(folder / f"{number}_truth.tif")
                _write_truth(root / scene.truth, path, maps[-1])
            for column, model in enumerate(models.values()):
                maps.append(folder / f"{number}_{column}.tif")
                _predict(
                    *(model, path, maps[-1]),
                    ground_sample_distance=gsd,
                    **scene.options,
                )
            rows.append(_Row.read(scene.title, path, maps))
    with_truth = any(scene.truth for scene in scenes)
    return _sheet(rows, [*["truth"][:with_truth], *models])


class _Row(NamedTuple):
    """What one row of a sheet shows.

    Attributes:
        title: title of the row.
        pictures: uint8 arrays `(h, w, 4)`, the scene's first.
        width: width on the ground, metres.
        height: likewise.
        legend: name to colour of all classes, in their order, and of no data.
        occurring: names of those that occur on one of the maps.
    """

    title: str
    pictures: list[np.ndarray]
    width: float
    height: float
    legend: dict[str, str]
    occurring: set[str]

    @classmethod
    def read(
        cls, title: str, path: pathlib.Path, maps: Sequence[pathlib.Path]
    ) -> "_Row":
        """Read a scene and its maps at the displayed size."""
        max_size = int(_WIDTH * _DPI * 1.5)
        colored: list[np.ndarray] = []
        colors: dict[str, str] = {}
        occurring: set[str] = set()
        for classes in maps:
            with open_both(path, classes) as (image, ids, window):
                legend = read_legend(ids)
                scene = scene_picture(image, max_size, window=window)
                colored.append(class_picture(ids, max_size, legend))
                width, height = ground_pixel_size(image) or (1, 1)
                size = window.width * width, window.height * height
                values = np.unique(ids.read(1))
            names = legend.names or []
            colors.update(
                zip(names, map(hex_color, legend.colors or []), strict=True)
            )
            occurring.update(names[i] for i in values if i < len(names))
            if VOID in values:
                occurring.add("no data")
        colors["no data"] = _NO_DATA
        return cls(title, [scene, *colored], *size, colors, occurring)


def _sheet(rows: Sequence[_Row], titles: Sequence[str]) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = 1 + len(titles)
    heights = [_WIDTH * row.height / row.width for row in rows]
    size = columns * _WIDTH + _TITLE, sum(heights) + _TITLE + _LEGEND
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    grid = figure.subplots(
        len(rows), columns, squeeze=False, height_ratios=heights
    )
    for panels, row in zip(grid, rows, strict=True):
        for panel, picture in zip(panels, row.pictures, strict=True):
            panel.set(xticks=[], yticks=[], facecolor=_NO_DATA)
            panel.imshow(
                picture,
                extent=(0, row.width, row.height, 0),
                interpolation="nearest",
            )
        panels[0].set_ylabel(row.title, parse_math=False)
        draw_scale_bar(panels[0], row.width, row.height)
    for panel, title in zip(grid[0], ["scene", *titles], strict=True):
        panel.set_title(title, fontsize="medium", parse_math=False)
    colors = {name: c for row in rows for name, c in row.legend.items()}
    occurring = set().union(*(row.occurring for row in rows))
    handles = [
        Patch(facecolor=color, edgecolor="black", linewidth=0.5, label=name)
        for name, color in colors.items()
        if name in occurring
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=len(handles),
        frameon=False,
    )
    return figure


def save(figure: "Figure", output: pathlib.Path) -> None:
    """Write a figure; as JPEG, small enough to be committed."""
    options = {}
    if output.suffix.lower() in (".jpg", ".jpeg"):
        options = {"pil_kwargs": {"quality": 85, "optimize": True}}
    figure.savefig(output, **options)


def _predict(
    model: Any, scene: pathlib.Path, output: pathlib.Path, **options: Any
) -> None:
    keras_rsseg.predict_scene(
        *(model, scene, output),
        palette=map_colors(model),
        progress=False,
        **options,
    )


def _write_truth(
    mask: pathlib.Path, scene: pathlib.Path, output: pathlib.Path
) -> None:
    """Write a mask as a map of its scene."""
    ids = read_mask(mask, palette=FACTS.to_palette())
    legend = Legend(DUBAI["class_names"], DUBAI["display_palette"])
    with open_raster(scene) as dataset:
        profile = {"crs": dataset.crs, "transform": dataset.transform}
    height, width = ids.shape
    with rasterio.open(
        *(output, "w", "GTiff"),
        height=height,
        width=width,
        count=1,
        dtype="uint8",
        nodata=VOID,
        **profile,
    ) as raster:
        raster.write(ids.astype("uint8"), 1)
        raster.write_colormap(1, legend.colormap())
        tags = {f"class_{i}": name for i, name in enumerate(legend.names)}
        raster.update_tags(1, **tags)


def _placed(
    path: pathlib.Path, distance: float | None, folder: pathlib.Path
) -> pathlib.Path:
    """Return a scene that states its pixel size."""
    if distance is None:
        return path
    with open_raster(path) as dataset:
        height, width = dataset.shape
        count = dataset.count
    scene = VirtualRaster(
        height,
        width,
        # Any place will do: a metre there is nearly a metre.
        crs=rasterio.CRS.from_epsg(32631),
        transform=rasterio.Affine(distance, 0, 5e5, 0, -distance, 4e6),
    )
    for number in range(1, count + 1):
        band = scene.add_band()
        band.add_source(path, Window(0, 0, height, width), number)
    placed = folder / f"{path.stem}.vrt"
    placed.write_bytes(scene.to_xml())
    return placed


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    picture = commands.add_parser("picture", help="a scene beside its map")
    picture.add_argument("scene", type=pathlib.Path)
    picture.add_argument("--preset", default=keras_rsseg.DEFAULT_PRESET)
    picture.add_argument(
        "--max-size", type=int, default=700, help="pixels of the longer side"
    )
    sheet = commands.add_parser("sheet", help="maps of several presets")
    truth = commands.add_parser("truth", help="maps beside the truth")
    for command in (sheet, truth):
        command.add_argument(
            "data", type=pathlib.Path, help="folder of the scenes"
        )
        command.add_argument("--presets", nargs="+", required=True)
    for command in (picture, sheet, truth):
        command.add_argument("--output", type=pathlib.Path, required=True)
        command.add_argument(
            "--gsd", type=float, help="metres; default: the preset's"
        )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the requested picture."""
    args = parse_arguments(arguments)
    gsd = args.gsd or "auto"
    if args.command == "picture":
        model = keras_rsseg.from_preset(args.preset)
        draw_picture(model, args.scene, args.output, gsd, args.max_size)
        return
    models: dict[str, Any] = {}
    for number, preset in enumerate(args.presets):
        title = pathlib.Path(preset).name
        # Two folders can have the same name.
        title = f"{title} ({number + 1})" if title in models else title
        models[title] = keras_rsseg.from_preset(preset)
    scenes = TRUTH if args.command == "truth" else SCENES
    save(draw_sheet(models, scenes, args.data, gsd), args.output)


if __name__ == "__main__":
    main()
