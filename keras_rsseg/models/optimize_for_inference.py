from typing import TYPE_CHECKING
from typing import Any

import keras

from keras_rsseg.models.folded_task import foldable_layers
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone

if TYPE_CHECKING:
    from keras_rsseg.models.segmenter import Segmenter


def optimize_for_inference(
    model: "Segmenter",
    data_format: str | None = None,
    dtype: Any = None,
    many_tiles: bool = False,
) -> "Segmenter":
    """Returns a faster twin of a task, for inference only.

    Batch normalization becomes part of the convolutions before it, which
    then add their bias in the same step. The layout inside the network is
    the one that is fastest on the backend; tiles and logits stay
    channels-last. On torch, a tile size that keeps coming runs as a traced
    program; on JAX, `predict_on_batch()` only reads the weights, so that
    several threads can call it. Nothing is approximated: logits differ from
    the task's by rounding, at most 3e-5 of the largest one in float32. (A
    PFNet picks its points by comparison, so if two candidates tie within
    rounding, it can pick the other one.)

    The twin is a task of the same class. Its `predict()`, `evaluate()`, call
    and `save_to_preset()` work as before, and it saves a preset like any
    other. It cannot be trained; continue training with the task itself, which
    is not changed. `keras_rsseg.predict_scene` runs as fast by itself.

    Args:
        model: a task, such as `keras_rsseg.PFNet`.
        data_format: layout inside the network, `"channels_first"` or
            `"channels_last"`. Defaults to channels-first on torch and
            channels-last elsewhere, which were faster.
        dtype: dtype policy, such as `"bfloat16"` or `"mixed_float16"`, which
            costs accuracy: check the scores. Defaults to the task's.
        many_tiles: whether the first call may take some seconds longer so
            that later calls take some 0.9 of the time: on torch, whose
            kernels are then fused on CPUs. Defaults to `False`.

    Returns:
        A task with its own weights.

    Raises:
        TypeError: `model` is not a task of this package.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = keras_rsseg.models.SemanticFPNBackbone(encoder)
    model = keras_rsseg.SemanticFPN(backbone, num_classes=5)
    fast = keras_rsseg.optimize_for_inference(model)
    tiles = np.zeros((1, 64, 64, 3), "uint8")
    fast.predict(tiles, verbose=0).shape  # (1, 64, 64, 5)
    ```
    """
    # The class of all tasks imports this module.
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, SegmentationBackbone):
        raise TypeError(
            "`model` must be a task such as `keras_rsseg.PFNet`. Received: "
            f"{type(model).__name__}"
        )
    twin = _rebuilt(model, data_format or fastest_data_format(), dtype)
    for layer in foldable_layers(twin):
        layer.fold()
    twin.trainable = False
    twin.run_eagerly = model.run_eagerly
    twin.make_program(joins=many_tiles)
    if hasattr(model, "preset"):
        twin.preset = model.preset
    return twin


def _rebuilt(model: "Segmenter", data_format: str, dtype: Any) -> "Segmenter":
    """Return the same task in another layout or precision."""
    config = model.get_config()
    backbone = config["backbone"]
    changes = {"data_format": data_format}
    if dtype is not None:
        changes["dtype"] = dtype
    config["backbone"] = {
        **backbone,
        "config": {**backbone["config"], **changes},
    }
    twin = type(model).from_config(config)
    twin.set_weights(model.get_weights())
    return twin


def fastest_data_format() -> str:
    """The layout in which networks run fastest on the backend."""
    torch = keras.backend.backend() == "torch"
    return "channels_first" if torch else "channels_last"
