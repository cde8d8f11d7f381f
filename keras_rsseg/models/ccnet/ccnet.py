import keras

from keras_rsseg.models.ccnet.ccnet_backbone import CCNetBackbone
from keras_rsseg.models.ccnet.ccnet_preprocessor import CCNetPreprocessor
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CCNet(Segmenter):
    """Criss-cross network: attention of pixels along rows and columns.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="criss_cross"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50,
        stem="deep",
        stackwise_strides=(1, 2, 1, 1),
        stackwise_dilations=(1, 1, 2, 4),
    )
    model = keras_rsseg.CCNet(
        keras_rsseg.models.CCNetBackbone(encoder), num_classes=6
    )
    logits = model.predict(np.zeros((1, 128, 128, 3), "uint8"))
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    backbone_cls = CCNetBackbone
    preprocessor_cls = CCNetPreprocessor
