"""keras-hub's own tests of backbones and tasks, for every system.

They are in a private module, which needs TensorFlow and grain on every
backend. A new row of `SYSTEMS` is tested without a line here: the arguments
of its backbone are made small.
"""

import inspect

import keras
import numpy as np
import pytest
from absl.testing import parameterized

import keras_rsseg
from keras_rsseg.systems import SYSTEMS
from tests.encoders.hrnet_encoder_test import TINY
from tests.models.tiny_encoder import TinyEncoder

for _needed in ("tensorflow", "grain", "keras_hub.src.tests.test_case"):
    pytest.importorskip(_needed, reason=f"keras-hub's tests need {_needed}")

from keras_hub.src.tests.test_case import TestCase  # noqa: E402

# P5 has more than one pixel, so that attention has something to learn.
TILES = np.random.default_rng(0).uniform(size=(2, 48, 48, 3)).astype("float32")
MASKS = np.random.default_rng(1).integers(0, 4, (2, 48, 48), "int32")

# Which layers are quantised depends on the configuration, not the backend.
_QUANTIZES = keras.backend.backend() == "tensorflow"


def _in_our_order(config):
    """Undo the change of `image_shape` in keras-hub's channels-first tests.

    It is `(height, width, bands)` here, whatever the data format.
    """
    shape = tuple(config["image_shape"])
    return {**config, "image_shape": shape[::-1] if shape[0] == 3 else shape}


@keras.saving.register_keras_serializable(package="keras_rsseg_tests")
class TurnedEncoder(TinyEncoder):
    @classmethod
    def from_config(cls, config):
        return super().from_config(_in_our_order(config))


# Named, so that a new row does not rename the tests of others.
_TASKS = [(f"_{task}", task) for task in SYSTEMS]
# Structure is the same everywhere, and takes minutes to compile on JAX.
_slow_elsewhere = (
    (lambda test: test)
    if keras.backend.backend() == "tensorflow"
    else pytest.mark.slow
)

# What a system needs of its encoder besides the levels P2 to P5.
_ENCODERS = {
    "GSCNN": {"levels": ("P1", "P2", "P3", "P4", "P5")},
    "RANet": {"image_shape": TILES.shape[1:]},
}


def small_backbone(task):
    """Return a backbone's class and its arguments, with numbers up to 8."""
    cls = getattr(keras_rsseg, task).backbone_cls
    parameters = inspect.signature(cls).parameters.values()
    small = {
        parameter.name: min(parameter.default, 8)
        for parameter in parameters
        if type(parameter.default) is int
    }
    encoder = TurnedEncoder(**_ENCODERS.get(task, {}))
    return cls, {"image_encoder": encoder, **small}


# keras-hub's own tests use features that Keras has deprecated.
@pytest.mark.filterwarnings(
    "ignore:The `save_format` argument is deprecated",
    "ignore:The `check_types` argument is deprecated",
    "ignore:(?s).*The structure of `inputs` doesn't match",
)
class KerasHubTest(TestCase):
    @parameterized.named_parameters(*_TASKS)
    @pytest.mark.slow
    def test_backbone(self, task):
        cls, arguments = small_backbone(task)
        shape = tuple(cls(**arguments)(TILES)["features"].shape)
        self.run_vision_backbone_test(
            cls,
            arguments,
            TILES,
            {"features": shape},
            run_quantization_check=_QUANTIZES,
        )

    @parameterized.named_parameters(*_TASKS)
    @pytest.mark.slow
    def test_task(self, task):
        backbone_cls, arguments = small_backbone(task)
        self.run_task_test(
            getattr(keras_rsseg, task),
            {"backbone": backbone_cls(**arguments), "num_classes": 4},
            (TILES * 255, MASKS),
            expected_output_shape=(2, 48, 48, 4),
        )

    @parameterized.named_parameters(*_TASKS)
    @_slow_elsewhere
    def test_saving(self, task):
        backbone_cls, arguments = small_backbone(task)
        backbone = backbone_cls(**arguments)
        self.run_model_saving_test(backbone_cls, arguments, TILES)
        self.run_model_saving_test(
            getattr(keras_rsseg, task),
            {"backbone": backbone, "num_classes": 4},
            TILES * 255,
        )

    @parameterized.named_parameters(*_TASKS)
    def test_preprocessing(self, task):
        cls = getattr(keras_rsseg, task).preprocessor_cls
        converter_cls = cls.image_converter_cls
        self.run_preprocessing_layer_test(converter_cls, {}, TILES * 255)
        self.run_preprocessing_layer_test(
            cls, {"image_converter": converter_cls()}, (TILES * 255, MASKS)
        )

    @parameterized.parameters(
        (keras_rsseg.encoders.ResNetEncoder, {"depth": 18}),
        (keras_rsseg.encoders.HRNetEncoder, TINY),
    )
    @pytest.mark.slow
    def test_encoder(self, cls, arguments):
        outputs = cls(**arguments)(TILES)
        shapes = {name: tuple(x.shape) for name, x in outputs.items()}
        self.run_vision_backbone_test(
            cls,
            arguments,
            TILES,
            shapes,
            expected_pyramid_output_keys=list(shapes),
            expected_pyramid_image_sizes=[s[1:3] for s in shapes.values()],
            run_quantization_check=_QUANTIZES,
        )

    def test_preset(self):
        backbone_cls, arguments = small_backbone("SemanticFPN")
        task = keras_rsseg.SemanticFPN(backbone_cls(**arguments), 4)
        task.save_to_preset(self.get_temp_dir())
        self.run_preset_test(
            keras_rsseg.SemanticFPN,
            self.get_temp_dir(),
            TILES * 255,
            expected_output_shape=(2, 48, 48, 4),
        )
