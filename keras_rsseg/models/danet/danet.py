import keras

from keras_rsseg.models.danet.danet_backbone import DANetBackbone
from keras_rsseg.models.danet.danet_preprocessor import DANetPreprocessor
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DANet(Segmenter):
    """Dual attention network: attention of pixels, and of channels.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="dual_attention"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50,
        stem="deep",
        stackwise_strides=(1, 2, 1, 1),
        stackwise_dilations=(1, 1, 2, 4),
    )
    model = keras_rsseg.DANet(
        keras_rsseg.models.DANetBackbone(encoder), num_classes=6
    )
    logits = model.predict(np.zeros((1, 128, 128, 3), "uint8"))
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983)
    """

    backbone_cls = DANetBackbone
    preprocessor_cls = DANetPreprocessor
