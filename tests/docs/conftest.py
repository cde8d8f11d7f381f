"""A working folder with the repository's files and small presets."""

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.class_legends import LEGENDS
from keras_rsseg.hub.registry import registered_presets
from tests.data.files import random_image
from tests.data.files import write_raster
from tests.datasets import make_vaihingen
from tests.docs.documents import ROOT

EMBEDDED = (
    "pfnet_hrnet_ifwm_w18_land_cover",
    "hrnet_ifwm_w18_land_cover",
)


def small_hrnet(folder):
    """Write a network with the embedded presets' classes, made in a second."""
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=2,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=1,
        bottleneck_filters=4,
    )
    legend = LEGENDS["dubai"]
    model = keras_rsseg.HRNet(
        keras_rsseg.models.HRNetBackbone(encoder),
        num_classes=len(legend["class_names"]),
        class_names=list(legend["class_names"]),
        palette=legend["palette"],
    )
    model.preprocessor.image_converter.ground_sample_distance = 0.8
    model.save_to_preset(folder)


def made_data(folder):
    """Write the files named in blocks: tiles, masks, areas of Vaihingen."""
    colors = np.array([(255, 255, 255), (0, 0, 255)], "uint8")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    for seed, name in enumerate("ab"):
        image = random_image(260, 260, seed=seed)
        ids = (image[..., 0] > 127).astype("uint8")
        write_raster(folder / f"{name}.tif", image)
        write_raster(folder / f"{name}_mask.png", colors[ids])
        write_raster(folder / "images" / f"{name}.tif", image)
        write_raster(folder / "masks" / f"{name}.png", ids)
    make_vaihingen.make(folder / "downloads")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with the examples, data, and small presets under their names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "data").symlink_to(ROOT / "examples" / "data")
    preset = tmp_path / "small_hrnet"
    small_hrnet(preset)
    known = registered_presets()
    for name in EMBEDDED:
        monkeypatch.setitem(known[name], "handle", str(preset))
    made_data(tmp_path)
    segmenter = keras_rsseg.models.Segmenter
    fit = segmenter.fit

    def short(model, *arguments, **options):
        """Two steps are enough to see that it runs."""
        if options.get("epochs", 1) > 2:
            options.update(epochs=1, steps_per_epoch=2, verbose=0)
        return fit(model, *arguments, **options)

    monkeypatch.setattr(segmenter, "fit", short)
    return tmp_path
