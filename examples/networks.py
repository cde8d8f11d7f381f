"""Networks for the classes of a data set, for all training scripts."""

from typing import NamedTuple

import keras_rsseg


class System(NamedTuple):
    """A task, an encoder and the arguments that make them one network.

    Attributes:
        task: name of a class of `keras_rsseg`.
        encoder: name of a class of `keras_rsseg.encoders`.
        encoder_options: dict of arguments of the encoder.
        backbone_options: dict of arguments of the task's backbone.
    """

    task: str
    encoder: str
    encoder_options: dict = {}
    backbone_options: dict = {}


_IFWM = {"fusion": "ifwm"}
SYSTEMS = {
    "ccnet": System("CCNet", "ResNetEncoder"),
    "danet": System("DANet", "ResNetEncoder"),
    "deeplab_v3": System("DeepLabV3", "ResNetEncoder"),
    "hrnet": System("HRNet", "HRNetEncoder"),
    "hrnet_ifwm": System("HRNet", "HRNetEncoder", _IFWM),
    "pfnet": System("PFNet", "ResNetEncoder"),
    # Both papers in one. Half of PFNet's channels: W18's levels have 18 to
    # 144, a ResNet's 256 to 2048.
    "pfnet_hrnet_ifwm": System(
        "PFNet", "HRNetEncoder", _IFWM, {"fpn_dim": 128}
    ),
    "semantic_fpn": System("SemanticFPN", "ResNetEncoder"),
}
# As PFNet was released, and HRNetV2-W18.
_WITHOUT_WEIGHTS = {
    "ResNetEncoder": {
        "depth": 50,
        "stem": "deep",
        "stackwise_dilations": (1, 1, 2, 4),
    },
    "HRNetEncoder": {"width": 18},
}


def build_task(
    system, facts, encoder=None, encoder_options=(), backbone_options=()
):
    """Return a task for the classes of a data set.

    Args:
        system: a key of `SYSTEMS`.
        facts: `keras_rsseg.datasets.DatasetFacts`: classes, palette, bands.
        encoder: a preset of the encoder; `None` starts it at random.
        encoder_options: dict of arguments that replace the preset's and the
            system's.
        backbone_options: dict of arguments of the backbone, likewise.

    Returns:
        A `keras_rsseg.models.Segmenter`.
    """
    system = SYSTEMS[system]
    task_cls = getattr(keras_rsseg, system.task)
    encoder_cls = getattr(keras_rsseg.encoders, system.encoder)
    options = {**system.encoder_options, **dict(encoder_options)}
    if encoder is None:
        network = encoder_cls(**{**_WITHOUT_WEIGHTS[system.encoder], **options})
    else:
        network = encoder_cls.from_preset(encoder, **options)
    converter = task_cls.preprocessor_cls.image_converter_cls(
        bands=facts.bands,
        ground_sample_distance=facts.ground_sample_distance,
    )
    options = {**system.backbone_options, **dict(backbone_options)}
    return task_cls(
        task_cls.backbone_cls(network, **options),
        num_classes=len(facts.class_names),
        preprocessor=task_cls.preprocessor_cls(image_converter=converter),
        class_names=facts.class_names,
        palette=facts.palette,
    )
