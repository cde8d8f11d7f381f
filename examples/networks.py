"""Networks for the classes of a data set, shared by all training scripts."""

import pathlib
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

import keras_rsseg
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.models import Segmenter
from keras_rsseg.systems import SYSTEMS as _TASKS


class System(NamedTuple):
    """A task and an encoder, with the arguments that combine them.

    Attributes:
        task: name of a class in `keras_rsseg`.
        encoder: name of a class in `keras_rsseg.encoders`.
        encoder_options: dict of arguments of the encoder.
        backbone_options: dict of arguments of the task's backbone.
    """

    task: str
    encoder: str
    encoder_options: Mapping[str, Any] = {}
    backbone_options: Mapping[str, Any] = {}


_IFWM = {"fusion": "ifwm"}
# Every system on a ResNet, by the name of its folder, HRNet on its own
# encoder, and networks that need more than a system and an encoder.
SYSTEMS: dict[str, System] = {
    **{
        folder: System(
            task, "HRNetEncoder" if task == "HRNet" else "ResNetEncoder"
        )
        for task, folder in _TASKS.items()
    },
    # With all of its blocks.
    "unet": System("UNet", "ResNetEncoder", {"finest_level": "P1"}),
    # The shape stream starts from the encoder's stem.
    "gscnn": System("GSCNN", "ResNetEncoder", {"finest_level": "P1"}),
    # Bound to one tile size, here the paper's.
    "ranet": System("RANet", "ResNetEncoder", {"image_shape": (256, 256, 3)}),
    "hrnet_ifwm": System("HRNet", "HRNetEncoder", _IFWM),
    # Both papers in one. Half of PFNet's channels: W18's levels have 18 to
    # 144, a ResNet's 256 to 2048.
    "pfnet_hrnet_ifwm": System(
        "PFNet", "HRNetEncoder", _IFWM, {"fpn_dim": 128}
    ),
}
# As PFNet was released, and HRNetV2-W18.
_WITHOUT_WEIGHTS: dict[str, dict[str, Any]] = {
    "ResNetEncoder": {
        "depth": 50,
        "stem": "deep",
        "stackwise_dilations": (1, 1, 2, 4),
    },
    "HRNetEncoder": {"width": 18},
}


def build_task(
    system: str,
    facts: DatasetFacts,
    encoder: str | None = None,
    encoder_options: Mapping[str, Any] | None = None,
    backbone_options: Mapping[str, Any] | None = None,
) -> Segmenter:
    """Return a task for the classes of a data set.

    Args:
        system: a key of `SYSTEMS`.
        facts: `keras_rsseg.datasets.DatasetFacts`: classes, palette, bands.
        encoder: a preset of the encoder, or of a task with this encoder;
            `None` initialises it at random.
        encoder_options: dict of arguments that replace the preset's and the
            system's.
        backbone_options: dict of arguments of the backbone, likewise.

    Returns:
        A `keras_rsseg.models.Segmenter`.
    """
    network = SYSTEMS[system]
    task_cls = getattr(keras_rsseg, network.task)
    encoder_cls = getattr(keras_rsseg.encoders, network.encoder)
    options = {**network.encoder_options, **(encoder_options or {})}
    if encoder is None:
        options = {**_WITHOUT_WEIGHTS[network.encoder], **options}
        image_encoder = encoder_cls(**options)
    else:
        image_encoder = _load_encoder(encoder_cls, encoder, options)
    converter = task_cls.preprocessor_cls.image_converter_cls(
        bands=facts.bands,
        ground_sample_distance=facts.ground_sample_distance,
    )
    options = {**network.backbone_options, **(backbone_options or {})}
    return task_cls(
        task_cls.backbone_cls(image_encoder, **options),
        num_classes=len(facts.class_names),
        preprocessor=task_cls.preprocessor_cls(image_converter=converter),
        class_names=facts.class_names,
        palette=facts.palette,
        display_palette=facts.display_palette,
    )


def _load_encoder(
    encoder_cls: Any, preset: str, options: Mapping[str, Any]
) -> Any:
    """Load an encoder from its own preset or a task's."""
    folder = pathlib.Path(preset)
    is_task = (folder / "task.json").is_file()
    if not is_task and preset not in keras_rsseg.list_presets():
        return encoder_cls.from_preset(preset, **options)
    trained = keras_rsseg.from_preset(preset).backbone.image_encoder
    encoder = encoder_cls.from_config({**trained.get_config(), **options})
    encoder.set_weights(trained.get_weights())
    return encoder
