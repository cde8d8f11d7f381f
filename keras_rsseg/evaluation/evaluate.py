"""Score a model by the papers' protocols."""

import logging
from collections.abc import Mapping

from tqdm import tqdm

from keras_rsseg.data.protocols import as_protocol
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.errors import ArgumentError
from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.evaluation.labelled_scene import PairScenes
from keras_rsseg.evaluation.labelled_scene import RecordScenes
from keras_rsseg.evaluation.mask_palette import IDS
from keras_rsseg.evaluation.mask_palette import check_palette
from keras_rsseg.evaluation.report_folder import check_output
from keras_rsseg.evaluation.scene_scorer import Tally
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.predicting.tile_predictor import even_batch_size
from keras_rsseg.scenes.predicting.tile_predictor import predict_tiles

logger = logging.getLogger(__name__)

# Of the cost, which grows with the square, as of what is left to score.
_MOST_ERODED = 50


def evaluate(
    model,
    dataset,
    protocol="isaid",
    *,
    eroded=3,
    left_out=(),
    batch_size=4,
    bands=None,
    class_names=None,
    palette=None,
    boundary_f1=False,
    num_worst_tiles=6,
    output=None,
    overwrite=False,
    progress=True,
):
    """Score a model on scenes with known classes, tile by tile and blended.

    One pass over the tiles gives figures that are often mixed up:

    - *patch*: each tile alone, as the papers and released scripts score.
      A pixel that lies in several tiles counts in each of them.
    - *scene*: the tiles' class probabilities blended into the whole scene,
      as `predict_scene` does; each pixel counts once.
    - both again with *eroded* boundaries, as the ISPRS benchmarks do: pixels
      near a boundary between classes are left out, where annotators differ.

    Void is never scored. Tiles are cut from the scenes' own pixels, at no
    other ground sample distance. A scene smaller than a tile is not squashed:
    the image is reflected to the tile's size, and what is added is void.

    Memory is that of one scene (of small ones, those of a batch) and of one
    row of tiles. Lists, folders and what can be iterated again are read
    twice, first to check every scene before the model sees any; an iterator
    is checked as it is read.

    Args:
        model: a task, or any object with `predict_on_batch(tiles)`, or a
            callable: tiles `(B, T, T, bands)` to logits
            `(B, T, T, classes)`. Its attributes `bands`, `class_names`,
            `palette` and `num_classes` are used where it has them.
        dataset: iterable of records, dicts with `"image"` `(H, W, bands)`,
            `"mask"` `(H, W)` or `(H, W, 1)`, class ids and 255 for void, and
            `"name"`, such as a `tf.data.Dataset` of `tfds.load("isaid")`; or
            a pair `(images, masks)` of lists of paths or arrays; or of two
            folders, whose files are matched by their names.
        protocol: name of a tiling protocol (`keras_rsseg.data.PROTOCOLS`) or
            a `keras_rsseg.data.TilingProtocol`.
        eroded: pixels to leave out on either side of class boundaries, see
            `keras_rsseg.evaluation.erode_boundaries`; `None` for no figures
            of that kind.
        left_out: names or ids of classes that means leave out, such as
            clutter. Their pixels still count as errors of other classes, and
            in pixel accuracy.
        batch_size: number of tiles in a batch, at most.
        bands: band numbers to read, from 1; `None` for all.
        class_names: list of class names; defaults to the model's.
        palette: `keras_rsseg.data.Palette` or list of `(r, g, b)`: what
            colours in masks mean, and those of the report. Defaults to the
            model's. Masks without colours hold class ids; `"ids"` says so of
            masks with a colour map that misleads.
        boundary_f1: whether to score the boundaries of each tile as well, by
            `keras_rsseg.metrics.BoundaryF1`. Takes longer.
        num_worst_tiles: number of tiles with the most wrong pixels that the
            report keeps, with image, truth and prediction.
        output: folder to save the report in, or `None`; see
            `EvaluationReport.save`. It is checked first.
        overwrite: whether an older report there may be replaced.
        progress: whether to show a progress bar on stderr.

    Returns:
        An `EvaluationReport`.

    Raises:
        FileExistsError, FileNotFoundError, NotADirectoryError,
        PermissionError: if a file does not exist, or `output` cannot be
            written or holds a report.
        ImportError: if there is an `output` but no matplotlib.
        TypeError: if `model` or `dataset` is none.
        ValueError: if classes, bands or sizes do not fit, a mask holds ids
            that are no class, a scene comes twice or holds nothing but void,
            or an argument is out of range; if the logits have another shape
            or are not finite.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    report = keras_rsseg.evaluate(
        model, ("val/images", "val/masks"), protocol="released"
    )
    print(report)
    report.scores["scene"].mean_iou
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564), and
          the released evaluation script for the patch protocol
        - [ISPRS 2D semantic labeling
          contest](https://www.isprs.org/education/benchmarks/UrbanSemLab/semantic-labeling.aspx)
          for eroded boundaries
    """
    protocol = _check_arguments(
        model, protocol, eroded, batch_size, num_worst_tiles
    )
    palette = check_palette(palette)
    legend = _legend(model, class_names, palette)
    left_out = _class_ids(left_out, legend.names)
    if output is not None:
        check_output(output, overwrite)
    scenes = _open_scenes(dataset, legend.num_classes, palette, bands, model)
    tally = Tally(
        protocol,
        legend.num_classes,
        eroded,
        num_worst_tiles,
        _boundary_metric(legend, left_out) if boundary_f1 else None,
    )
    _run(model, scenes, tally, protocol, batch_size, legend, progress)
    report = EvaluationReport(
        model=_name(model),
        protocol=protocol.name,
        tile_size=protocol.tile_size,
        stride=protocol.stride,
        eroded=eroded,
        class_names=legend.names,
        palette=legend.colors,
        left_out=left_out,
        **tally.results(),
    )
    if output is not None:
        _save(report, output, overwrite)
    return report


def _check_arguments(model, protocol, eroded, batch_size, num_worst_tiles):
    """Check what needs no data, and return the `TilingProtocol`."""
    if not callable(getattr(model, "predict_on_batch", model)):
        raise TypeError(
            "`model` must have `predict_on_batch` or be callable. Received: "
            f"{type(model).__name__}"
        )
    protocol = as_protocol(protocol)
    tile_starts(1, protocol.tile_size, protocol.stride)
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("num_worst_tiles", num_worst_tiles, 0),
    ):
        if not hasattr(value, "__index__") or value < least:
            raise ArgumentError(
                f"`{name}` must be an int, {least} at least. Received: "
                f"{value!r}"
            )
    if eroded is not None and not 1 <= eroded <= _MOST_ERODED:
        raise ArgumentError(
            f"`eroded` must be None or 1 to {_MOST_ERODED} pixels. Received: "
            f"{eroded!r}"
        )
    return protocol


def _legend(model, class_names, palette):
    """Names and colours of the classes, of which the number is known."""
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
        palette or getattr(model, "palette", None),
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
    # Loads Keras, for which wrong arguments before need not wait.
    from keras_rsseg.metrics.confusion_scores import standardize_left_out

    if isinstance(left_out, str) or not hasattr(left_out, "__iter__"):
        left_out = [left_out]
    unknown = {
        part for part in left_out if isinstance(part, str) and part not in names
    }
    if unknown:
        raise ArgumentError(
            f"`left_out` names classes that there are not: {sorted(unknown)}. "
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


def _open_scenes(dataset, num_classes, palette, bands, model):
    is_pair = (
        isinstance(dataset, tuple)
        and len(dataset) == 2
        and not isinstance(dataset[0], Mapping)
    )
    if is_pair:
        return PairScenes(*dataset, num_classes, palette, bands, model)
    return RecordScenes(dataset, num_classes, palette, bands, model)


def _run(model, scenes, tally, protocol, batch_size, legend, progress):
    total = scenes.count_tiles(protocol.tile_size, protocol.stride)
    if total is not None:
        batch_size = even_batch_size(total, batch_size)
    with tqdm(
        total=total, unit="tile", desc="evaluate", disable=not progress
    ) as bar:
        for tile, probabilities in predict_tiles(
            model, tally.tiles(scenes), batch_size
        ):
            # Refuses another number of classes than the model told of.
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
