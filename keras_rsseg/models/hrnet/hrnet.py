import keras

from keras_rsseg.models.hrnet.hrnet_backbone import HRNetBackbone
from keras_rsseg.models.hrnet.hrnet_preprocessor import HRNetPreprocessor
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class HRNet(Segmenter):
    """HRNetV2 semantic segmentation.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    # The preset that comes with the package, HRNet with IFWM.
    model = keras_rsseg.HRNet.from_preset("hrnet_ifwm_w18_dubai")
    logits = model.predict(np.zeros((1, 256, 256, 3), "uint8"))

    # The weights of a plain HRNet under IFWM, to be trained further.
    model = keras_rsseg.HRNet.from_preset("my_hrnet", fusion="ifwm")

    # A new network.
    encoder = keras_rsseg.encoders.HRNetEncoder(width=18)
    model = keras_rsseg.HRNet(
        keras_rsseg.models.HRNetBackbone(encoder), num_classes=6
    )
    ```

    Reference:
        - [Wang et al., Deep High-Resolution Representation Learning for
          Visual Recognition, 2020](https://arxiv.org/abs/1908.07919)
    """

    backbone_cls = HRNetBackbone
    preprocessor_cls = HRNetPreprocessor

    @classmethod
    def from_config(cls, config):
        # `from_preset(fusion=...)` is meant for the encoder.
        config = config.copy()
        fusion = config.pop("fusion", None)
        if fusion is not None:
            backbone = config["backbone"]
            inner = {**backbone["config"], "fusion": fusion}
            config["backbone"] = {**backbone, "config": inner}
        return super().from_config(config)
