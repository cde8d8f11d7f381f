"""Networks for the classes of a data set, for all training scripts."""

import keras_rsseg

SYSTEMS = {
    "ccnet": ("CCNet", "ResNetEncoder"),
    "danet": ("DANet", "ResNetEncoder"),
    "deeplab_v3": ("DeepLabV3", "ResNetEncoder"),
    "hrnet": ("HRNet", "HRNetEncoder"),
    "pfnet": ("PFNet", "ResNetEncoder"),
    "semantic_fpn": ("SemanticFPN", "ResNetEncoder"),
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
        encoder_options: dict of arguments that replace the preset's.
        backbone_options: dict of arguments of the backbone.

    Returns:
        A `keras_rsseg.models.Segmenter`.
    """
    task_name, encoder_name = SYSTEMS[system]
    task_cls = getattr(keras_rsseg, task_name)
    encoder_cls = getattr(keras_rsseg.encoders, encoder_name)
    options = dict(encoder_options)
    if encoder is None:
        network = encoder_cls(**{**_WITHOUT_WEIGHTS[encoder_name], **options})
    else:
        network = encoder_cls.from_preset(encoder, **options)
    converter = task_cls.preprocessor_cls.image_converter_cls(
        bands=facts.bands,
        ground_sample_distance=facts.ground_sample_distance,
    )
    return task_cls(
        task_cls.backbone_cls(network, **dict(backbone_options)),
        num_classes=len(facts.class_names),
        preprocessor=task_cls.preprocessor_cls(image_converter=converter),
        class_names=facts.class_names,
        palette=facts.palette,
    )
