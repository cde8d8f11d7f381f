"""Score a model by the papers' protocols."""

import logging
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from keras_rsseg.class_legends import colors_of
from keras_rsseg.data.mask_values import ids_of_classes
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import as_protocol
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.errors import ArgumentError
from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.evaluation.evaluation_report import check_output
from keras_rsseg.evaluation.labelled_scene import PairScenes
from keras_rsseg.evaluation.labelled_scene import RecordScenes
from keras_rsseg.evaluation.masks import IDS
from keras_rsseg.evaluation.masks import check_palette
from keras_rsseg.evaluation.scene_scorer import Tally
from keras_rsseg.evaluation_options import EvaluationOptions
from keras_rsseg.options import takes
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.predicting.tile_predictor import even_batch_size
from keras_rsseg.scenes.predicting.tile_predictor import predict_tiles

logger = logging.getLogger(__name__)


@takes(EvaluationOptions)
def evaluate(
    model: Any,
    dataset: Iterable[Mapping[str, Any]] | tuple[Any, Any],
    protocol: str | TilingProtocol = "isaid",
    *,
    options: EvaluationOptions,
) -> EvaluationReport:
    """Score a model on scenes with known classes, tile by tile and blended.

    One pass over the tiles gives figures that are often mixed up:

    - *patch*: each tile alone, as the papers and released scripts score.
      A pixel that lies in several tiles counts in each of them.
    - *scene*: the tiles' class probabilities blended into the whole scene,
      as `predict_scene` does; each pixel counts once.
    - both again with *eroded* boundaries, as the ISPRS benchmarks do: pixels
      near a boundary between classes, where annotators differ, are left out.

    Void is never scored. Tiles are cut from the scenes' own pixels, without
    resampling. A scene smaller than a tile is not squashed: the image is
    reflected to the tile's size, and the added pixels are void.

    One scene (or a batch of small ones) and one row of tiles are held in
    memory. Lists, folders and anything that can be iterated again are read
    twice, first to check every scene before the model sees any; an iterator
    is checked as it is read.

    Args:
        model: a task, or any object with `predict_on_batch(tiles)`, or a
            callable: tiles `(B, T, T, bands)` to logits
            `(B, T, T, classes)`. Its attributes `bands`, `class_names`,
            `palette` and `num_classes` are used if it has them.
        dataset: iterable of records, dicts with `"image"` `(H, W, bands)`,
            `"mask"` `(H, W)` or `(H, W, 1)`, class ids and 255 for void, and
            `"name"`, such as a `tf.data.Dataset` of `tfds.load("isaid")`; or
            a pair `(images, masks)` of lists of paths or arrays, or of two
            folders or patterns, whose files are matched by name; the masks
            may be a file of polygons.
        protocol: name of a tiling protocol (`keras_rsseg.data.PROTOCOLS`) or
            a `keras_rsseg.data.TilingProtocol`.
        options: see `keras_rsseg.evaluation_options.EvaluationOptions`.

    Returns:
        An `EvaluationReport`.

    Raises:
        FileExistsError, FileNotFoundError, NotADirectoryError,
        PermissionError: if a file does not exist, or `output` cannot be
            written or holds a report.
        MissingPackageError: if there is an `output` but no matplotlib.
        TypeError: if `model` or `dataset` has the wrong type.
        ArgumentError: if classes, bands or sizes do not fit, or an argument
            is out of range; if the logits have another shape or are not
            finite.
        MaskError: if a mask holds ids that are not classes, or nothing but
            void.
        DatasetError: if a scene comes twice.
        RasterError: if a file cannot be read.

    Example:

    ```python
    image = np.zeros((96, 96, 3), "uint8")
    image[:, 48:] = 200
    mask = (image[..., 0] > 100).astype("uint8")

    def bright(tiles):  # or a task, such as from_preset() returns
        return np.stack([200.0 - tiles[..., 0], tiles[..., 0]], axis=-1)

    report = keras_rsseg.evaluate(
        bright,
        [{"image": image, "mask": mask, "name": "harbour"}],
        keras_rsseg.data.TilingProtocol("small", tile_size=64, stride=32),
        class_names=["water", "quay"],
    )
    report.scores["scene"].mean_iou  # 1.0
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564), and
          the released evaluation script for the patch protocol
        - [ISPRS 2D semantic labeling
          contest](https://www.isprs.org/education/benchmarks/UrbanSemLab/semantic-labeling.aspx)
          for eroded boundaries
    """
    tiling = _check_arguments(model, protocol)
    palette = check_palette(options.palette)
    legend = _legend(model, options.class_names, palette)
    excluded = _class_ids(options.left_out, legend.names)
    if options.output is not None:
        check_output(options.output, options.overwrite)
    scenes = _open_scenes(dataset, legend, palette, model, options)
    tally = Tally(
        tiling,
        legend.num_classes,
        options.eroded,
        options.num_worst_tiles,
        _boundary_metric(legend, excluded) if options.boundary_f1 else None,
    )
    _run(model, scenes, tally, tiling, legend, options)
    report = EvaluationReport(
        model=_name(model),
        protocol=tiling.name,
        tile_size=tiling.tile_size,
        stride=tiling.stride,
        eroded=options.eroded,
        class_names=legend.names,
        palette=legend.colors,
        left_out=excluded,
        **tally.results(),
    )
    if options.output is not None:
        _save(report, options.output, options.overwrite)
    return report


def _check_arguments(model, protocol):
    """Check what needs no data, and return the `TilingProtocol`."""
    if not callable(getattr(model, "predict_on_batch", model)):
        raise TypeError(
            "`model` must have `predict_on_batch` or be callable. Received: "
            f"{type(model).__name__}"
        )
    protocol = as_protocol(protocol)
    tile_starts(1, protocol.tile_size, protocol.stride)
    return protocol


def _legend(model, class_names, palette):
    """Names and colours of a known number of classes."""
    own_names = getattr(model, "class_names", None)
    palette = None if palette == IDS else palette
    if class_names is None and palette is not None and own_names is None:
        class_names = palette.names
    if class_names and own_names and list(class_names) != list(own_names):
        logger.warning(
            "The data have the classes %s, the model %s: they are compared "
            "by their order.",
            ", ".join(class_names),
            ", ".join(own_names),
        )
    legend = Legend(
        class_names or own_names,
        palette or colors_of(model),
        getattr(model, "num_classes", None),
    )
    if legend.num_classes is None:
        raise ArgumentError(
            "The number of classes is not known: `model` has no "
            "`num_classes`. Give `class_names`"
        )
    legend.complete(legend.num_classes)
    return legend


def _class_ids(left_out, names):
    """Ids of classes that are given by name or id."""
    # Loads Keras, which wrong arguments before this need not wait for.
    from keras_rsseg.metrics.confusion_scores import standardize_left_out

    if isinstance(left_out, str) or not hasattr(left_out, "__iter__"):
        left_out = [left_out]
    unknown = {
        part for part in left_out if isinstance(part, str) and part not in names
    }
    if unknown:
        raise ArgumentError(
            f"`left_out` names unknown classes: {sorted(unknown)}. "
            f"There are: {', '.join(names)}"
        )
    ids = [
        names.index(part) if isinstance(part, str) else part
        for part in left_out
    ]
    return standardize_left_out(ids, len(names))


def _boundary_metric(legend, left_out):
    from keras_rsseg.metrics.boundary_f1 import BoundaryF1

    return BoundaryF1(legend.num_classes, left_out=left_out)


def _open_scenes(dataset, legend, palette, model, options):
    attribute = options.class_attribute
    ids = ids_of_classes(options.ids, attribute, legend.names)
    is_pair = (
        isinstance(dataset, tuple)
        and len(dataset) == 2
        and not isinstance(dataset[0], Mapping)
    )
    if is_pair:
        images, masks = dataset
        return PairScenes(
            images,
            masks,
            legend.num_classes,
            palette,
            options.bands,
            model,
            ids,
            attribute,
        )
    if attribute is not None:
        raise ArgumentError(
            "`class_attribute` is for masks that are polygons. Received: "
            f"class_attribute={attribute!r}, with records"
        )
    return RecordScenes(
        dataset, legend.num_classes, palette, options.bands, model, ids
    )


def _run(model, scenes, tally, tiling, legend, options):
    total = scenes.count_tiles(tiling.tile_size, tiling.stride)
    batch_size = options.batch_size
    if total is not None:
        batch_size = even_batch_size(total, batch_size)
    with tqdm(
        total=total,
        unit="tile",
        desc="evaluate",
        disable=not options.progress,
    ) as bar:
        for tile, probabilities in predict_tiles(
            model, tally.tiles(scenes), batch_size
        ):
            # Raises if the number of classes is not what the model stated.
            legend.complete(len(probabilities))
            tally.add(tile, probabilities)
            bar.update()
        tally.finish()
        # Tiles of nothing but void were skipped.
        bar.update(tally.num_tiles - bar.n)


def _name(model):
    preset = getattr(model, "preset", None)
    if isinstance(preset, str):
        return preset
    return getattr(model, "__name__", type(model).__name__)


def _save(report, output, overwrite):
    try:
        report.save(output, overwrite)
    except Exception as error:
        # The disk may have filled up: the figures must not be lost.
        error.add_note(report.to_markdown())
        raise
