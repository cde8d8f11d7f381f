import keras

from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.models.semantic_fpn.semantic_fpn_backbone import (
    SemanticFPNBackbone,
)
from keras_rsseg.models.semantic_fpn.semantic_fpn_preprocessor import (
    SemanticFPNPreprocessor,
)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SemanticFPN(Segmenter):
    """Semantic feature pyramid network, with a choice of context modules.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.SemanticFPN(
        keras_rsseg.models.SemanticFPNBackbone(encoder), num_classes=6
    )
    logits = model.predict(np.zeros((1, 128, 128, 3), "uint8"))
    ```

    Reference:
        - [Kirillov et al., Panoptic Feature Pyramid Networks, 2019](
          https://arxiv.org/abs/1901.02446)
    """

    backbone_cls = SemanticFPNBackbone
    preprocessor_cls = SemanticFPNPreprocessor
