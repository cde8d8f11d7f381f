"""From the arguments of `predict_scene` to a run that can begin."""

import contextlib

from keras_rsseg.scenes.predicting.scene_options import check_options
from keras_rsseg.scenes.predicting.scene_options import make_products
from keras_rsseg.scenes.predicting.scene_run import SceneRun
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_source import open_scene
from keras_rsseg.scenes.writing.legend import Legend
from keras_rsseg.scenes.writing.scene_paths import check_destinations


@contextlib.contextmanager
def open_run(
    model,
    source,
    destination,
    *,
    tile_size,
    overlap,
    batch_size,
    bands,
    nodata,
    area,
    ground_sample_distance,
    resample,
    value_range,
    test_time_augmentation,
    scales,
    probabilities,
    uncertainty,
    uncertainty_kind,
    raster_dtype,
    class_names,
    palette,
    strip_height,
    overwrite,
    run_class=SceneRun,
):
    """Check the arguments of `predict_scene`, and open the scene.

    Args:
        model: as for `predict_scene`, and so all that is not named here.
        source: path or URL of the scene.
        destination: path of the map.
        overwrite: whether rasters that exist pass the check.
        run_class: what to make of them, a `SceneRun`.

    Yields:
        The run, entered.

    Raises:
        Exception: as `predict_scene`, before anything is computed.
    """
    options = check_options(
        model,
        tile_size,
        overlap,
        batch_size,
        strip_height,
        ground_sample_distance,
        value_range,
        test_time_augmentation,
        scales,
    )
    legend = Legend(
        _given_or(class_names, model, "class_names"),
        _given_or(palette, model, "palette"),
        getattr(model, "num_classes", None),
    )
    paths = {
        "destination": destination,
        "probabilities": probabilities,
        "uncertainty": uncertainty,
    }
    with open_scene(source) as dataset:
        paths = check_destinations(paths, dataset, overwrite)
        products = make_products(
            paths, uncertainty_kind, raster_dtype, options.views
        )
        scene = SceneReader(
            dataset,
            bands,
            nodata,
            getattr(model, "bands", None),
            area,
            value_range,
            getattr(model, "value_range", None),
        )
        with run_class(
            model, scene, options, products, legend, resample
        ) as run:
            yield run


def _given_or(value, model, name):
    return getattr(model, name, None) if value is None else value
