import keras

from keras_rsseg.models.deeplab_v3.deeplab_v3_backbone import DeepLabV3Backbone
from keras_rsseg.models.deeplab_v3.deeplab_v3_preprocessor import (
    DeepLabV3Preprocessor,
)
from keras_rsseg.models.segmenter import Segmenter


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeepLabV3(Segmenter):
    """DeepLabV3: context by dilated convolutions of several reaches.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    The decoders of `keras_rsseg.SemanticFPN` (an FPN) and `keras_rsseg.PFNet`
    take the same context module: `context="atrous_pooling"`.

    Example:

    ```python
    # An encoder of output stride 8.
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50,
        stem="deep",
        stackwise_strides=(1, 2, 1, 1),
        stackwise_dilations=(1, 1, 2, 4),
    )
    model = keras_rsseg.DeepLabV3(
        keras_rsseg.models.DeepLabV3Backbone(encoder), num_classes=6
    )
    logits = model.predict(np.zeros((1, 128, 128, 3), "uint8"))
    ```

    Reference:
        - [Chen et al., Rethinking Atrous Convolution for Semantic Image
          Segmentation, 2017](https://arxiv.org/abs/1706.05587)
    """

    backbone_cls = DeepLabV3Backbone
    preprocessor_cls = DeepLabV3Preprocessor
