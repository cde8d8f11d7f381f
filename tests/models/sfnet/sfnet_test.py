"""SFNet: it trains, saves and loads, and is PFNet with another alignment."""

import keras_rsseg
from keras_rsseg.losses import OhemCrossEntropy
from keras_rsseg.models import PFNetBackbone
from tests.models.context_tester import ContextTester
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.tiny_encoder import TinyEncoder


class TestSFNet(ContextTester):
    system = keras_rsseg.SFNet
    backbone_arguments = {"fpn_dim": 8}

    def test_is_pfnet_with_flow_alignment(self):
        backbone = PFNetBackbone(
            TinyEncoder(), fpn_dim=8, alignment="flow_alignment"
        )
        former = for_few_steps(keras_rsseg.PFNet(backbone, num_classes=3))
        self.randomise_statistics(former)
        model = for_few_steps(self.make_model())
        paths = [[v.path for v in m.weights] for m in (model, former)]
        assert paths[0] == paths[1]
        model.set_weights(former.get_weights())
        tiles, _ = make_tiles(2, 33, 50)
        self.assert_close(
            model.predict_on_batch(tiles), former.predict_on_batch(tiles), 1e-6
        )
        assert isinstance(model.loss, OhemCrossEntropy)
