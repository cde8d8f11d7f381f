"""Every stage has the size, stride and channels that a decoder expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import ResNetEncoder
from keras_rsseg.layers import ConvBNReLU
from tests.layers import plain
from tests.layers.compiled import call
from tests.layers.conv_bn_relu_test import plain_convolution
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import draw_state
from tests.weights.networks import on_one_backend
from tests.weights.networks import read_outputs

# Output strides 8 and 16, and the strided and dilated trunk of PFNet.
TRUNKS = {
    "default": ({}, (4, 8, 16, 32)),
    "stride 8": (
        {
            "stackwise_strides": (1, 2, 1, 1),
            "stackwise_dilations": (1, 1, 2, 4),
        },
        (4, 8, 8, 8),
    ),
    "stride 16": (
        {
            "stackwise_strides": (1, 2, 2, 1),
            "stackwise_dilations": (1, 1, 1, 2),
        },
        (4, 8, 16, 16),
    ),
    "pfnet": ({"stackwise_dilations": (1, 1, 2, 4)}, (4, 8, 16, 32)),
}
STRIDE_8 = {**TRUNKS["stride 8"][0], "first_block_dilation": "contracted"}
V1C = {"stem": "deep", "stem_widths": (32, 32, 64)}
# For released networks: seed and sum of the state, the trunk's place in it,
# and the arguments that make this trunk.
RELEASED = {
    "fcn_r50_mmseg": (42, 1061855.726048, "backbone.", {**V1C, **STRIDE_8}),
    "fcn_r50_torchvision": (41, 931500.405430, "backbone.", STRIDE_8),
    "deeplabv3plus_r50_smp": (
        64,
        936552.341765,
        "encoder.",
        TRUNKS["stride 16"][0],
    ),
    "upernet_r50_mmseg": (46, 1318958.610821, "backbone.", V1C),
}
NORM = ("weight", "bias", "running_mean", "running_var")


def images(height, width, bands=3):
    rng = np.random.default_rng(0)
    shape = (1, height, width, bands)
    return rng.standard_normal(shape).astype("float32")


def convolution(encoder, name):
    layer = encoder.get_layer(name)
    return layer.strides, layer.dilation_rate


def released_names(layer, prefix, deep):
    """A checkpoint's names for the convolution and the norm of a layer."""
    if layer.startswith("stem_conv"):
        index = int(layer[-1])
        if deep:
            place = 3 * (index - 1)
            return f"{prefix}stem.{place}", f"{prefix}stem.{place + 1}"
        return f"{prefix}conv{index}", f"{prefix}bn{index}"
    stage, block, part = layer.split("_")
    owner = f"{prefix}layer{stage[-1]}.{int(block[5:]) - 1}."
    if part == "shortcut":
        return f"{owner}downsample.0", f"{owner}downsample.1"
    return f"{owner}{part}", f"{owner}bn{part[-1]}"


def released_norm(state, name):
    """Scale and offset of a released batch norm in inference, float64."""
    gamma, beta, mean, variance = (
        state[f"{name}.{kind}"].astype("float64") for kind in NORM
    )
    scale = gamma / np.sqrt(variance + 1e-5)
    return scale, beta - mean * scale


def released(name):
    """An encoder with the weights of a released network, and its state."""
    seed, abs_sum, prefix, arguments = RELEASED[name]
    state = draw_state(f"zoo2_{name}_nc16", seed, abs_sum)
    encoder = ResNetEncoder(50, **arguments)
    for layer in encoder.layers:
        if isinstance(layer, ConvBNReLU):
            deep = "stem_widths" in arguments
            conv, norm = released_names(layer.name, prefix, deep)
            kernel = state[f"{conv}.weight"].transpose(2, 3, 1, 0)
            layer.conv.set_weights([kernel])
            layer.batch_norm.set_weights(
                [state[f"{norm}.{kind}"] for kind in NORM]
            )
    return encoder, state


class TestResNetEncoder(TestCase):
    @pytest.mark.parametrize("trunk", TRUNKS)
    def test_sizes_at_odd_and_even_images(self, trunk):
        arguments, strides = TRUNKS[trunk]
        encoder = ResNetEncoder(18, **arguments)
        for height, width in ((33, 50),):
            x = images(height, width)
            levels = call(encoder, x)
            shapes = encoder.compute_output_shape(x.shape)
            assert list(levels) == ["P2", "P3", "P4", "P5"]
            for index, (name, level) in enumerate(levels.items()):
                stride = strides[index]
                size = (-(-height // stride), -(-width // stride))
                expected = (1, *size, 64 * 2**index)
                assert tuple(level.shape) == expected, name
                assert tuple(shapes[name]) == expected, name
                self.assert_finite(level, name)
                assert to_numpy(level).std() > 0.1, name

    @pytest.mark.parametrize(
        "depth, parameters",
        [
            # torchvision's, without the 1000-class layer.
            (18, 11_689_512 - 513_000),
            (34, 21_797_672 - 513_000),
            (50, 25_557_032 - 2_049_000),
            (101, 44_549_160 - 2_049_000),
        ],
    )
    def test_depths_have_the_published_number_of_weights(
        self, depth, parameters
    ):
        encoder = ResNetEncoder(depth)
        count = sum(np.prod(v.shape) for v in encoder.trainable_variables)
        assert count == parameters

    def test_bottlenecks_and_deep_stem(self):
        encoder = ResNetEncoder(50, stem="deep", image_shape=(65, 32, 4))
        shapes = {name: level.shape for name, level in encoder.output.items()}
        assert shapes == {
            "P2": (None, 17, 8, 256),
            "P3": (None, 9, 4, 512),
            "P4": (None, 5, 2, 1024),
            "P5": (None, 3, 1, 2048),
        }
        stem = [encoder.get_layer(f"stem_conv{i}") for i in (1, 2, 3)]
        assert [layer.filters for layer in stem] == [64, 64, 128]
        assert [layer.strides for layer in stem] == [2, 1, 1]
        assert stem[0].conv.kernel.shape == (3, 3, 4, 64)

    def test_stride_is_on_the_convolution_asked_for(self):
        for stride_on, expected in (("3x3", (1, 2)), ("1x1", (2, 1))):
            encoder = ResNetEncoder(50, stride_on=stride_on)
            names = ("stage3_block1_conv1", "stage3_block1_conv2")
            strides = tuple(convolution(encoder, name)[0] for name in names)
            assert strides == expected
            assert convolution(encoder, "stage3_block1_shortcut")[0] == 2
            assert convolution(encoder, "stage3_block2_conv1")[0] == 1

    def test_dilation_begins_with_the_first_block(self):
        encoder = ResNetEncoder(50, stackwise_dilations=(1, 1, 2, 4))
        # Every other pixel is kept, so a dilation of 2 was one of 4.
        assert encoder.get_layer("stage4_block1_conv1").keep_every == 2
        assert encoder.get_layer("stage4_block2_conv1").keep_every == 1
        assert convolution(encoder, "stage4_block1_conv2") == (1, 2)
        assert convolution(encoder, "stage4_block2_conv2") == (1, 4)
        # Two 3x3 convolutions per block: the first has stride and dilation.
        encoder = ResNetEncoder(18, stackwise_dilations=(1, 1, 2, 4))
        assert convolution(encoder, "stage4_block1_conv1") == (2, 4)
        assert convolution(encoder, "stage4_block1_conv2") == (1, 4)

    def test_first_blocks_may_have_the_dilation_of_the_stage_before(self):
        for depth, conv in ((50, "conv2"), (18, "conv1")):
            encoder = ResNetEncoder(depth, **STRIDE_8)
            expected = {1: (1, 1), 2: (1, 1), 3: (1, 2), 4: (2, 4)}
            for stage, dilations in expected.items():
                stride = 2 if stage == 2 else 1
                names = [f"stage{stage}_block{i}_{conv}" for i in (1, 2)]
                actual = [convolution(encoder, name) for name in names]
                assert actual == [(stride, dilations[0]), (1, dilations[1])]
        assert convolution(encoder, "stage4_block1_conv2") == (1, 2)
        # With strides: the stage before has an even dilation.
        encoder = ResNetEncoder(
            18,
            stackwise_dilations=(1, 1, 2, 4),
            first_block_dilation="contracted",
        )
        assert convolution(encoder, "stage3_block1_conv1") == (2, 1)
        assert convolution(encoder, "stage4_block1_conv1") == (2, 2)

    @pytest.mark.parametrize("name", on_one_backend(*RELEASED))
    def test_released_trunks(self, name):
        # The weights also fit other dilations, with other maps.
        encoder, _ = released(name)
        truth = read_outputs(f"zoo2/{name}_seed{RELEASED[name][0]}_1x96x96")
        actual = to_numpy(call(encoder, truth["x"])["P5"])[..., ::32]
        self.assert_close(actual, truth["layer4_every32"])

    def test_released_trunk_at_an_odd_size(self):
        # Intermediate maps are not stored, so its short head is run on top.
        encoder, state = released("fcn_r50_torchvision")
        truth = read_outputs("zoo2/fcn_r50_torchvision_seed41_1x97x75")
        x = to_numpy(call(encoder, truth["x"])["P5"]).astype("float64")
        kernels = [
            state[f"classifier.{i}.weight"].transpose(2, 3, 1, 0)
            for i in (0, 4)
        ]
        scale, offset = released_norm(state, "classifier.1")
        x = np.maximum(plain.convolution(x, kernels[0]) * scale + offset, 0)
        x = plain.convolution(x, kernels[1], state["classifier.4.bias"])
        self.assert_close(x, truth["head_logits"])

    @pytest.mark.parametrize("arguments", [{"stem_widths": (8,)}, V1C])
    def test_the_stem_is_a_level_where_it_is_asked_for(self, arguments):
        encoder = ResNetEncoder(18, **arguments, finest_level="P1")
        levels = ["P1", "P2", "P3", "P4", "P5"]
        assert list(encoder.pyramid_outputs) == list(encoder.output) == levels
        x = images(33, 50)
        expected, strides = x, 2
        for layer in encoder.layers:
            if layer.name.startswith("stem_conv"):
                kernel = to_numpy(layer.conv.kernel)
                expected = plain_convolution(expected, kernel, strides, 1)
                expected = plain.normalization(expected, layer.batch_norm)
                expected, strides = np.maximum(expected, 0), 1
        stem = keras.Model(encoder.input, encoder.output["P1"])
        self.assert_close(call(stem, x), expected, 1e-5)
        shape = (1, 17, 25, encoder.stem_widths[-1])
        assert expected.shape == shape
        assert encoder.compute_output_shape(x.shape)["P1"] == shape

    @pytest.mark.parametrize("length, pooled", [(95, 25), (96, 25), (97, 25)])
    def test_the_pooling_may_round_sizes_up(self, length, pooled):
        # The stem halves first: 48, 48 and 49 pixels, as in PyTorch.
        encoder = ResNetEncoder(
            18,
            stem_widths=(4,),
            stem_pool_ceil=True,
            finest_level="P1",
            image_shape=(length, 33, 3),
        )
        assert encoder.output["P2"].shape == (None, pooled, 9, 64)
        pool = keras.Model(encoder.input, encoder.get_layer("stem_pool").output)
        x = images(length, 33)
        stem = keras.Model(encoder.input, encoder.output["P1"])
        before = to_numpy(call(stem, x))[0]
        found = to_numpy(call(pool, x))[0]
        for i in range(pooled):
            rows = before[max(2 * i - 1, 0) : 2 * i + 2]
            self.assert_close(found[i, 0], rows[:, :2].max((0, 1)), 1e-6)

    def test_presets_serve_decoders_with_and_without_the_stem(self, tmp_path):
        encoder = ResNetEncoder(18, **V1C, **STRIDE_8)
        encoder.save_to_preset(tmp_path)
        loaded = ResNetEncoder.from_preset(str(tmp_path), finest_level="P1")
        assert loaded.stem_widths == (32, 32, 64)
        assert loaded.first_block_dilation == "contracted"
        x = images(33, 50)
        levels = call(loaded, x)
        assert min(levels) == "P1"
        for name, expected in call(encoder, x).items():
            self.assert_close(levels[name], expected, 1e-6, name)
        loaded = ResNetEncoder.from_preset(str(tmp_path))
        assert list(loaded.output) == ["P2", "P3", "P4", "P5"]
        self.assert_allclose(loaded.get_weights(), encoder.get_weights(), 0, 0)

    def test_configs_of_before_are_the_default(self):
        config = ResNetEncoder(18, stem="deep").get_config()
        for name in (
            "stem_widths",
            "stem_pool_ceil",
            "first_block_dilation",
            "finest_level",
        ):
            del config[name]
        encoder = ResNetEncoder.from_config(config)
        assert encoder.stem_widths == (64, 64, 128)
        assert encoder.first_block_dilation == "full"
        assert list(encoder.output) == ["P2", "P3", "P4", "P5"]

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        arguments = {"depth": 18, "stackwise_dilations": (1, 1, 2, 4)}
        encoder = ResNetEncoder(**arguments)
        first = ResNetEncoder(**arguments, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        x = images(33, 50)
        actual = call(first, x.transpose(0, 3, 1, 2))
        for name, expected in call(encoder, x).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            self.assert_close(level, expected, 1e-4, name)

    def test_config_names_every_argument(self):
        self.run_config_test(
            ResNetEncoder,
            {
                "depth": 34,
                "stem": "deep",
                "stem_widths": (8, 8, 16),
                "stem_pool_ceil": True,
                "stride_on": "1x1",
                "stackwise_strides": (1, 2, 2, 1),
                "stackwise_dilations": (1, 1, 1, 2),
                "first_block_dilation": "contracted",
                "finest_level": "P1",
                "batch_norm_epsilon": 1e-3,
                "image_shape": (64, 32, 5),
                "data_format": "channels_first",
                "dtype": "mixed_bfloat16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"depth": 20}, r"`depth` .*18, 34, 50, 101.*depth=20"),
            ({"stem": "wide"}, "`stem` .*'wide'"),
            ({"stride_on": 3}, "`stride_on` .*3x3.*stride_on=3"),
            (
                {"stem_widths": (32, 32, 64)},
                r"`stem_widths` .*1 .*\(32, 32, 64",
            ),
            ({"stem": "deep", "stem_widths": (64,)}, "`stem_widths` .*3 pos"),
            ({"stem_widths": (0,)}, r"`stem_widths` .*\(0,\)"),
            (
                {"first_block_dilation": "half"},
                "`first_block_dilation` .*'contracted'.*'half'",
            ),
            ({"finest_level": "P0"}, "`finest_level` .*'P1'.*'P0'"),
            ({"stackwise_strides": (1, 2)}, "`stackwise_strides` .*4 stages"),
            ({"stackwise_dilations": (1,) * 5}, "`stackwise_dilations` "),
            (
                {"stackwise_dilations": (1, 3, 1, 1)},
                "dilation_rate=3, strides=2",
            ),
            ({"image_shape": (64, 64)}, r"`image_shape`.*\(64, 64\)"),
            ({"image_shape": (64, 64, None)}, "`image_shape`"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            ResNetEncoder(**arguments)
