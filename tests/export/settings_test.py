"""Export settings are checked before anything is done."""

import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.export.settings import ExportSettings


def test_qgis_asks_for_what_the_plugin_takes():
    settings = ExportSettings.of("m.onnx", tile_size=256, target="qgis")
    assert settings.output == "probabilities"
    assert settings.data_format == "channels_first"
    assert settings.input_scale == 255
    assert settings.image_size == (256, 256)
    assert settings.overlap == 64


def test_raw_tiles_otherwise():
    settings = ExportSettings.of("m.onnx", dynamic=True, batch_size=None)
    assert settings.input_scale == 1
    assert settings.image_size is None
    assert settings.is_open


@pytest.mark.parametrize(
    ("path", "arguments", "said"),
    [
        ("m.tif", {}, "must end in .onnx"),
        ("m.onnx", {"tile_size": 0}, "`tile_size` must be a positive"),
        ("m.onnx", {"batch_size": 0}, "`batch_size` must be a positive"),
        ("m.onnx", {"output": "classes"}, "`output` must be one of"),
        ("m.onnx", {"data_format": "nchw"}, "`data_format` must be one of"),
        ("m.onnx", {"weights": "int4"}, "`weights` must be one of"),
        ("m.onnx", {"target": "arcgis"}, "`target` must be one of"),
        ("m.tflite", {"dynamic": True}, "tiles of one size"),
        ("m.tflite", {"batch_size": None}, "batches of one size"),
        ("saved", {"weights": "int8"}, "A SavedModel's weights are float32"),
        ("m.xml", {"target": "qgis"}, "needs an .onnx file"),
        ("m.onnx", {"target": "qgis", "dynamic": True}, "one tile of a fixed"),
        ("m.onnx", {"target": "qgis", "batch_size": 2}, "one tile of a fixed"),
    ],
)
def test_wrong_requests_are_refused(path, arguments, said):
    with pytest.raises(ArgumentError, match=said):
        ExportSettings.of(path, **arguments)
