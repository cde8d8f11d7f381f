"""The other heads give the outputs of the released PyTorch code.

By themselves, with an FPN and with PFNet's decoder. The difference allowed is
2e-5 of an output's largest magnitude, as for PFNet.
"""

import keras
import pytest

from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.weights.networks import assert_keys
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import on_one_backend
from tests.weights.networks import read_outputs
from weights import convert_pfsegnets
from weights.transfer import transfer

# Variant, seed, parameters, and layers whose outputs are known.
NETWORKS = [
    ("ccnet_pfnet_r50", 32, 49360980, {}),
    ("danet_pfnet_r50", 31, 49887317, {}),
    (
        "ccnet_r50",
        21,
        47564369,
        {
            "criss_cross_reduce": "head.rcca.conva_every8",
            "criss_cross_join": "head.rcca_every8",
        },
    ),
    (
        "danet_r50",
        22,
        48090706,
        {
            "position_attention": "da_head.sa_every8",
            "channel_attention": "da_head.sc_every8",
        },
    ),
    ("danet_fpn_r50", 30, 49414226, {}),
    # Without the 8464 parameters of the point head, with 16 biases.
    ("deeplab_v3_r50", 33, 39171024, {"atrous_pooling": "bot_aspp_every8"}),
    # With 16 biases.
    ("pspnet_r50", 20, 31112656, {"pyramid_pooling": "ppm_every8"}),
    ("pspnet_os16_r50", 34, 31112656, {"pyramid_pooling": "ppm_every8"}),
]
_FILES = {"deeplab_v3_r50": "pointrend_deeplabv3_r50"}
_ADDED = {"pspnet_r50": "final.3.bias", "pspnet_os16_r50": "final.3.bias"}


@pytest.mark.parametrize(
    "variant, seed, parameters, layers",
    on_one_backend(*NETWORKS),
    ids=lambda value: value if isinstance(value, str) else "",
)
class TestZoo(TestCase):
    def test_outputs(self, variant, seed, parameters, layers):
        file = _FILES.get(variant, variant)
        expected = read_outputs(f"zoo/{file}_seed{seed}_1x96x96")
        tiles = expected["x"]
        model = convert_pfsegnets.build(variant, 16)
        assert count_trainable(model) == parameters
        name_of = convert_pfsegnets.name_of_variant(variant)
        network = f"zoo_{file}_nc16"
        if file == variant:
            assert_keys(model, network, name_of, _ADDED.get(variant))
        state = draw_state(network, seed, float(expected["state_abs_sum"]))
        transfer(model, convert_pfsegnets.prepare(state, variant), name_of)

        maps = self.run(model.backbone, tiles, layers)
        for name, key in layers.items():
            self.assert_close(maps[name][..., ::8], expected[key], msg=key)
        for index, logits in enumerate(maps.get("boundary_logits", [])):
            key = f"edge_logits{2 - index}"
            self.assert_close(logits, expected[key], msg=key)
        logits = model.classifier(maps["features"])
        self.assert_close(logits, expected["head_logits"], msg="head_logits")
        if file == variant:  # else the point head has changed it
            main_out = model.upsample(tiles, logits)[:, ::3, ::3]
            key = "main_out_every3"
            self.assert_close(main_out, expected[key], msg=key)

    def run(self, backbone, tiles, layers):
        """Return all maps at once, which JAX compiles once."""
        outputs = {name: backbone.get_layer(name).output for name in layers}
        model = keras.Model(backbone.input, {**backbone.output, **outputs})
        return call(model, tiles)


def test_networks_without_points_have_no_grid():
    with pytest.raises(ValueError, match="max_pool_size.*danet_fpn_r50"):
        convert_pfsegnets.build("danet_fpn_r50", 16, max_pool_size=9)
