"""A system that somebody else writes, in their own package."""

import pickle

import keras
import keras_hub
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.encoders import ResNetEncoder
from tests.models.segmenter_tester import for_few_steps
from tests.models.tiny_encoder import TinyEncoder


@keras.saving.register_keras_serializable(package="keras_rsseg_tests")
class PlainBackbone(keras_rsseg.models.SegmentationBackbone):
    """With a map beside its features."""

    def __init__(self, image_encoder, filters=8, dtype=None, **kwargs):
        def decode(pyramid, **options):
            conv = keras_rsseg.layers.ConvBNReLU(
                filters, 3, name="context", **options
            )
            return {"features": conv(pyramid["P5"]), "fine": pyramid["P2"]}

        arguments = {"filters": filters}
        super().__init__(
            image_encoder, decode, arguments, dtype=dtype, **kwargs
        )


@keras.saving.register_keras_serializable(package="keras_rsseg_tests")
class Plain(keras_rsseg.models.Segmenter):
    """With a further loss."""

    backbone_cls = PlainBackbone

    def extra_loss(self, masks, outputs):
        assert set(outputs) == {"logits", "fine"}
        assert len(masks.shape) == 3
        return 7.0 + 0.0 * keras.ops.mean(outputs["fine"])


class PlainWithLegend(Plain):
    """A subclass' additions do not make a new system."""


def make_model(**arguments):
    return Plain(PlainBackbone(TinyEncoder(), **arguments), num_classes=3)


class TestGeneratedClasses:
    def test_belong_to_the_package_of_the_backbone(self):
        converter_cls = Plain.preprocessor_cls.image_converter_cls
        name = keras.saving.get_registered_name(converter_cls)
        assert name == "keras_rsseg_tests>PlainImageConverter"
        assert converter_cls.__module__ == __name__
        assert pickle.loads(pickle.dumps(converter_cls)) is converter_cls
        assert PlainWithLegend.preprocessor_cls is Plain.preprocessor_cls

    def test_may_be_written_by_hand(self):
        class Own(keras_rsseg.models.Segmenter):
            backbone_cls = PlainBackbone
            preprocessor_cls = Plain.preprocessor_cls

        assert Own.preprocessor_cls is Plain.preprocessor_cls


class TestImages:
    def test_decoders_get_them_and_bands_beside_them(self):
        given = {}

        def decode(pyramid, **options):
            given.update(pyramid)
            return pyramid["P5"]

        for data_format in ("channels_last", "channels_first"):
            encoder = TinyEncoder(data_format=data_format)
            axis = 1 if data_format == "channels_first" else 3
            for extra in (0, 2):
                given.clear()
                backbone = keras_rsseg.models.SegmentationBackbone(
                    encoder, decode, {}, extra_bands=extra
                )
                assert backbone.tile_shape == (None, None, 3 + extra)
                assert given["P0"].shape[axis] == 3
                assert ("extra_bands" in given) == (extra > 0)
        assert given["extra_bands"].shape == (None, 2, None, None)


class TestExtraLoss:
    def test_is_added_in_training_alone(self):
        model = for_few_steps(make_model())
        for layer in model._flatten_layers():
            if isinstance(layer, keras_rsseg.layers.BatchNorm):
                layer.trainable = False
        tiles = np.zeros((2, 16, 16, 3), "uint8")
        masks = np.zeros((2, 16, 16, 1), "uint8")
        validation = model.test_on_batch(tiles, masks)[0]
        loss = model.train_on_batch(tiles, masks)[0]
        assert float(loss) == pytest.approx(float(validation) + 7, rel=1e-5)
        assert model.predict_on_batch(tiles).shape == (2, 16, 16, 3)


class TestSegmentationBackbone:
    def test_arguments_are_attributes_and_configuration(self, tmp_path):
        model = make_model(filters=4)
        model.backbone.save_to_preset(tmp_path)
        backbone = keras_hub.models.Backbone.from_preset(str(tmp_path))
        assert type(backbone) is PlainBackbone
        assert backbone.filters == backbone.get_config()["filters"] == 4
        model.preprocessor.image_converter.save_to_preset(tmp_path)
        converter = keras_hub.layers.ImageConverter.from_preset(str(tmp_path))
        assert type(converter) is type(model.preprocessor.image_converter)

    def test_encoder_has_the_policy_of_its_layers(self):
        for policy in ("float32", "mixed_bfloat16"):
            encoder = TinyEncoder(dtype=policy)
            backbone = PlainBackbone(encoder, dtype="mixed_bfloat16")
            assert backbone.get_layer("encoder").dtype_policy.name == policy
            assert backbone.get_layer("context").compute_dtype == "bfloat16"
        assert {
            layer.compute_dtype
            for layer in backbone._flatten_layers()
            if not isinstance(layer, keras.layers.InputLayer)
        } == {"bfloat16"}

    def test_encoder_keeps_a_policy_of_each_layer(self):
        policies = keras.dtype_policies.DTypePolicyMap("float32")
        policies["P3"] = keras.dtype_policies.DTypePolicy("bfloat16")
        backbone = PlainBackbone(TinyEncoder(dtype=policies))
        config = backbone.get_config()
        revived = PlainBackbone.from_config(config)
        assert revived.get_config() == config
        encoder = revived.image_encoder
        assert encoder.get_layer("P3").compute_dtype == "bfloat16"
        assert encoder.get_layer("P4").compute_dtype == "float32"
        other = PlainBackbone.from_config({**config, "dtype": "bfloat16"})
        assert other.image_encoder.dtype_policy.name == "bfloat16"

    @pytest.mark.parametrize(
        "encoder, decoder",
        [("float32", "bfloat16"), ("mixed_bfloat16", "float32")],
    )
    def test_policies_that_differ_come_back(self, encoder, decoder):
        backbone = PlainBackbone(TinyEncoder(dtype=encoder), dtype=decoder)
        revived = keras.layers.deserialize(keras.layers.serialize(backbone))
        assert revived.image_encoder.dtype_policy.name == encoder
        assert revived.get_layer("context").compute_dtype == decoder

    def test_sizes_of_outputs_for_an_array(self):
        tiles = np.zeros((2, 40, 33, 3), "float32")
        for model in (PlainBackbone(TinyEncoder()), ResNetEncoder(18)):
            specs = model.compute_output_spec(tiles)
            shapes = {name: x.shape for name, x in model(tiles).items()}
            assert {n: x.shape for n, x in specs.items()} == shapes

    def test_tiles_are_channels_last(self):
        shape = (24, 40, 3)
        for data_format in ("channels_last", "channels_first"):
            encoder = TinyEncoder(image_shape=shape, data_format=data_format)
            assert PlainBackbone(encoder).tile_shape == shape

    def test_encoder_without_a_level(self):
        encoder = TinyEncoder(levels=("P2", "P3", "P5"))
        with pytest.raises(ValueError, match=r"without \['P4'\]"):
            PlainBackbone(encoder)

    def test_encoder_that_is_none(self):
        with pytest.raises(TypeError, match="image_encoder.*ResNetEncoder"):
            PlainBackbone(keras.Sequential())

    def test_misspelt_arguments(self):
        with pytest.raises(TypeError, match=r"PlainBackbone.*\['filter'\]"):
            PlainBackbone(TinyEncoder(), filter=4)
