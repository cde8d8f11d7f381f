"""Does the tile pipeline keep up with training?

    python -m benchmarks.tile_pipeline
    python -m benchmarks.tile_pipeline --images vaihingen/top --threads 2

Measures, at 512 and 896 pixels, the tiles per second of

- `tile_dataset`, random crops of images held in memory;
- `tile_dataset(cache=False)`, the same from files, which suits tiled TIFFs
  (a PNG is decoded from the top for every tile);
- `tile_records`, the windows of images decoded once, as TFDS streams them;

each without augmentation and with the released augmentation for ISPRS (scale,
flips, turns, blur), compared with the tiles per second of training steps of
PFNet-R50 with random weights, on the backend set by `KERAS_BACKEND`. If
`pipeline / model` is above 1, the pipeline keeps up. Both run alone, one after
the other: in training on a CPU they share its cores.

Images are made (two of 2000 x 2000 pixels, PNG) unless a folder of TIFF, PNG
or JPEG files is given; their masks are always made. With `--model-steps 0` no
model is trained.
"""

import argparse
import os
import pathlib
import platform
import tempfile
import time
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

import keras_rsseg
from keras_rsseg.data import Augmentation
from keras_rsseg.data import paper_augmentation
from keras_rsseg.data import read_image
from keras_rsseg.data import tile_dataset
from keras_rsseg.data import tile_records
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.output_files import write_picture
from keras_rsseg.tables import markdown_lines

CLASSES = 6
SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg")


def make_images(
    folder: pathlib.Path, count: int = 2, side: int = 2000
) -> list[pathlib.Path]:
    """Write noisy gradients, which compress about as well as imagery.

    Returns:
        A list of paths.
    """
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, side)
    paths = []
    for index in range(count):
        pixels = ramp[:, None, None] + rng.normal(0, 12, (side, side, 3))
        path = folder / f"{index}.png"
        write_picture(path, np.clip(pixels, 0, 255).astype("uint8"))
        paths.append(path)
    return paths


def make_mask(path: pathlib.Path) -> np.ndarray:
    """Return blocks of classes as large as the image."""
    with open_raster(path) as raster:
        rows, cols = np.indices(raster.shape, "int32")
    return ((rows // 97 + cols // 61) % CLASSES).astype("uint8")


def pipelines(
    paths: Sequence[pathlib.Path],
    masks: Sequence[np.ndarray],
    tile_size: int,
    batch_size: int,
) -> Iterator[tuple[str, Any]]:
    """Yield names and endless data sets."""
    import tensorflow as tf

    def read(index):
        image, mask = tf.numpy_function(
            lambda i: (read_image(paths[i], bands=[1, 2, 3]), masks[i]),
            [index],
            [tf.uint8, tf.uint8],
        )
        image.set_shape((None, None, 3))
        mask.set_shape((None, None))
        return {"image": image, "mask": mask}

    records = tf.data.Dataset.range(len(paths)).map(
        read, num_parallel_calls=tf.data.AUTOTUNE
    )
    options = dict(
        tile_size=tile_size, batch_size=batch_size, repeat=True, seed=0
    )
    crops = dict(sampling="random", bands=[1, 2, 3], **options)
    plain = Augmentation(flip=False, rotate90=False)
    for name, augmentation in (
        ("", plain),
        (" + augmentation", paper_augmentation("isprs")),
    ):
        crops["augmentation"] = options["augmentation"] = augmentation
        yield (
            f"tile_dataset, in memory{name}",
            tile_dataset(paths, masks, **crops),
        )
        yield (
            f"tile_dataset, from files{name}",
            tile_dataset(paths, masks, cache=False, **crops),
        )
        yield (
            f"tile_records{name}",
            tile_records(
                records,
                stride=max(tile_size * 4 // 7, 1),
                shuffle=64,
                **options,
            ),
        )


def tiles_per_second(dataset: Any, seconds: float) -> float:
    """Return the rate over some seconds, after the first two batches."""
    batches = iter(dataset)
    for _ in range(2):
        next(batches)
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        count += len(next(batches)[0])
    return count / (time.perf_counter() - begin)


def model_tiles_per_second(
    tile_size: int, batch_size: int, steps: int
) -> float:
    """Return the rate of PFNet-R50's training steps, after the first."""
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50, stem="deep", stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.PFNet(
        keras_rsseg.models.PFNetBackbone(encoder), num_classes=CLASSES
    )
    model.compile(metrics=[])
    rng = np.random.default_rng(0)
    shape = (batch_size, tile_size, tile_size)
    images = rng.integers(0, 255, (*shape, 3), "uint8")
    masks = rng.integers(0, CLASSES, shape, "uint8").astype("int32")
    # It returns numbers, so a step has ended when it returns.
    model.train_on_batch(images, masks)
    begin = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(images, masks)
    return steps * batch_size / (time.perf_counter() - begin)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--images", type=pathlib.Path, help="folder; default: made here")
    add("--tile-sizes", type=int, nargs="+", default=[512, 896])
    add("--batch-size", type=int, default=8, help="batch of the pipeline")
    add("--seconds", type=float, default=10, help="for each pipeline")
    add("--model-steps", type=int, default=3, help="0 for no model")
    add("--model-batch-size", type=int, default=2)
    add("--threads", type=int, help="threads of tf.data; default: all cores")
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, keras "
        f"{keras.__version__} on {keras.backend.backend()}, batches of "
        f"{args.batch_size} (pipeline) and {args.model_batch_size} (model)\n"
    )
    head = [
        *("tile", "pipeline", "tiles/s"),
        *("PFNet-R50 tiles/s", "pipeline / model"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        if args.images is None:
            paths = make_images(pathlib.Path(folder))
        else:
            paths = sorted(
                path
                for path in args.images.iterdir()
                if path.suffix.lower() in SUFFIXES
            )
        masks = [make_mask(path) for path in paths]
        rows = (
            row
            for tile_size in args.tile_sizes
            for row in compare(paths, masks, tile_size, args)
        )
        for line in markdown_lines(head, rows):
            print(line, flush=True)


def compare(
    paths: Sequence[pathlib.Path],
    masks: Sequence[np.ndarray],
    tile_size: int,
    args: argparse.Namespace,
) -> Iterator[list[str]]:
    """Yield the rows of one tile size."""
    import tensorflow as tf

    rate = None
    if args.model_steps:
        rate = model_tiles_per_second(
            tile_size, args.model_batch_size, args.model_steps
        )
    options = tf.data.Options()
    if args.threads:
        options.threading.private_threadpool_size = args.threads
    for name, dataset in pipelines(paths, masks, tile_size, args.batch_size):
        found = tiles_per_second(dataset.with_options(options), args.seconds)
        beside = ["-", "-"]
        if rate is not None:
            beside = [f"{rate:.2f}", f"{found / rate:.1f}"]
        yield [str(tile_size), name, f"{found:.1f}", *beside]


if __name__ == "__main__":
    main()
