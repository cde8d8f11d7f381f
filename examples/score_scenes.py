"""Map the whole scenes of Dubai and score the maps.

Data: as for `examples/train_dubai.py`. Each scene is cut into 3 x 3 adjoining
parts. Here they are joined again as virtual rasters, without copying a pixel,
and `keras_rsseg.predict_scene` maps each scene as a whole: there are no seams
where parts meet, and tiles there see both sides.

    python -m examples.score_scenes ../shared/data/dubai --output maps

The score is that of the scene protocol: each pixel of a scene counts once,
void is left out. Scenes are predicted as wholes, but training and validation
parts are scored separately.
"""

import argparse
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

import keras_rsseg
from keras_rsseg.data import read_mask
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import SCENES
from keras_rsseg.datasets.dubai import TRAINING_PARTS
from keras_rsseg.datasets.dubai import VALIDATION_PARTS
from keras_rsseg.files import write_durably
from keras_rsseg.metrics import ConfusionScores
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.tables import markdown_lines
from keras_rsseg.void import VOID

PALETTE = FACTS.to_palette()
NUM_CLASSES = len(FACTS.class_names)
COLUMNS = 3

# Row, column, height, width: position of an image in its scene.


def stitch(
    paths: Sequence[pathlib.Path],
    destination: pathlib.Path,
    columns: int = COLUMNS,
) -> list[Window]:
    """Write a virtual raster (VRT) of adjoining images, row by row.

    Args:
        paths: paths of 8-bit images, the upper left one first.
        destination: path of the VRT.
        columns: number of images per row.

    Returns:
        List of `Window`s, the position of each image.

    Raises:
        ValueError: images in a row differ in height, images in a column in
            width, or any two in the number of bands.
    """
    sizes, counts = [], set()
    for path in paths:
        with open_raster(path) as dataset:
            sizes.append(dataset.shape)
            counts.add(dataset.count)
    heights = [height for height, _ in sizes[::columns]]
    widths = [width for _, width in sizes[:columns]]
    grid = [(height, width) for height in heights for width in widths]
    if sizes != grid or len(counts) != 1:
        raise ValueError(
            f"The images do not form rows of {columns}: their sizes are "
            f"{sizes}, their numbers of bands {sorted(counts)}"
        )
    places = [
        Window(sum(heights[:row]), sum(widths[:col]), height, width)
        for row, height in enumerate(heights)
        for col, width in enumerate(widths)
    ]
    scene = VirtualRaster(sum(heights), sum(widths))
    for _ in range(counts.pop()):
        band = scene.add_band()
        for path, place in zip(paths, places, strict=True):
            band.add_source(path, place)
    write_durably(destination, scene.to_xml())
    return places


def confusion(
    path: pathlib.Path, masks: Sequence[pathlib.Path], places: Sequence[Window]
) -> np.ndarray:
    """Count the pixels of a map by true and by mapped class.

    Args:
        path: path of the map.
        masks: paths of coloured masks.
        places: `Window`s, the position of each mask in the map.

    Returns:
        int64 array `(masks, classes, classes)`, rows truth.
    """
    matrices = []
    with open_raster(path) as dataset:
        for mask, place in zip(masks, places, strict=True):
            truth = read_mask(mask, palette=PALETTE)
            classes = dataset.read(1, window=place.to_rasterio())
            labelled = truth != VOID
            cells = truth[labelled].astype("int64") * NUM_CLASSES
            counts = np.bincount(
                cells + classes[labelled], minlength=NUM_CLASSES**2
            )
            matrices.append(counts.reshape(NUM_CLASSES, NUM_CLASSES))
    return np.array(matrices)


def map_scene(
    model: Any, folder: pathlib.Path, output: pathlib.Path, **options: Any
) -> np.ndarray:
    """Map one scene and count its pixels.

    Args:
        model: model for `keras_rsseg.predict_scene`.
        folder: folder of the scene, with `images` and `masks`.
        output: folder for the virtual raster and the map.
        **options: options of `keras_rsseg.predict_scene`.

    Returns:
        int64 array `(parts, classes, classes)`, rows truth.
    """
    images = sorted((folder / "images").glob("image_part_*.jpg"))
    masks = sorted((folder / "masks").glob("image_part_*.png"))
    scene = output / f"{folder.name}.vrt"
    places = stitch(images, scene)
    path = output / f"{folder.name}.tif"
    keras_rsseg.predict_scene(model, scene, path, **options)
    return confusion(path, masks, places)


def table(matrices: dict[str, np.ndarray]) -> list[str]:
    """Return lines of scores: of all scenes, and of each.

    Args:
        matrices: dict of the scenes' arrays `(parts, classes, classes)`.
    """
    head = ["scene", "parts", "mean IoU", *FACTS.class_names]
    rows = []
    kinds = {"training": TRAINING_PARTS, "validation": VALIDATION_PARTS}
    for name, counts in {"all": sum(matrices.values()), **matrices}.items():
        for kind, parts in kinds.items():
            scores = ConfusionScores(
                sum(counts[number - 1] for number in parts)
            )
            figures = [scores.mean_iou, *scores.iou]
            rows.append([name, kind, *(f"{value:.3f}" for value in figures)])
    return list(markdown_lines(head, rows))


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n", 1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--preset", default=keras_rsseg.DEFAULT_PRESET)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--scenes", type=int, nargs="+", default=SCENES)
    parser.add_argument("--tile-size", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--overwrite", action="store_true")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    model = keras_rsseg.from_preset(args.preset)
    args.output.mkdir(parents=True, exist_ok=True)
    matrices = {}
    for number in args.scenes:
        folder = args.data / f"tile_{number}"
        matrices[folder.name] = map_scene(
            model,
            folder,
            args.output,
            tile_size=args.tile_size,
            batch_size=args.batch_size,
            overwrite=args.overwrite,
        )
    print("\n".join(table(matrices)))


if __name__ == "__main__":
    main()
