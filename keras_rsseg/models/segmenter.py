import warnings
from collections.abc import Sequence
from typing import Any

import keras
import keras_hub

from keras_rsseg.checks import Color
from keras_rsseg.checks import as_color
from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.model_facts import check_class_facts
from keras_rsseg.models.folded_task import FoldedTask
from keras_rsseg.models.optimize_for_inference import fastest_data_format
from keras_rsseg.models.optimize_for_inference import optimize_for_inference
from keras_rsseg.models.preprocessing import make_preprocessor_class
from keras_rsseg.models.segmentation_backbone import SegmentationBackbone
from keras_rsseg.models.trainable_task import TrainableTask
from keras_rsseg.ops.inference_program import inference_program
from keras_rsseg.ops.traced_program import TracedProgram


class Segmenter(TrainableTask):
    """Base of all tasks: tiles in, class logits of the same size out.

    A task is a backbone, a convolution to the classes (1x1 in most systems),
    and a bilinear resize of the logits to the tile. Its tensors are
    channels-last, whatever the data format inside its backbone.

    If the backbone has `"auxiliary_features"` (of a finer level, for
    example), they get their own classifier, whose cross-entropy, times
    `auxiliary_weight`, is added in training.

    `fit()` takes tiles in their own value range (the preprocessor normalises
    them) and integer masks in which 255 is void. `compile()` without
    arguments, which the constructor calls, sets the published recipe.

    Args:
        backbone: the subclass's `backbone_cls`.
        num_classes: int. Number of classes, 2 to 255.
        preprocessor: the subclass's `preprocessor_cls`, or `None` if tiles
            are already normalised. Defaults to `"auto"`, ImageNet's
            normalisation.
        class_names: list of strings, one per class, or `None`.
        palette: list of `(red, green, blue)` from 0 to 255, one per class, or
            `None`: the colours in the data set's masks.
        display_palette: likewise, the colours of maps and pictures; defaults
            to those of `palette`.
        **kwargs: other keyword arguments of `keras_hub.models.Task`.

    Call arguments:
        tiles: float tensor `(batch, height, width, bands)`, normalised:
            `predict()`, `fit()` and `evaluate()` normalise, calling the model
            does not. Any height and width.

    Returns:
        float32 logits `(batch, height, width, num_classes)`.

    Example:

    ```python
    model = keras_rsseg.models.Segmenter.from_preset(
        keras_rsseg.DEFAULT_PRESET, load_weights=False
    )
    model.class_names[0]  # "building"
    ```
    """

    backbone_cls: type[SegmentationBackbone]
    preprocessor_cls: type[keras_hub.models.ImageSegmenterPreprocessor]

    # A `TracedProgram`, for tasks that are for inference only.
    _program = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "backbone_cls" in own and "preprocessor_cls" not in own:
            cls.preprocessor_cls = make_preprocessor_class(cls)

    def __init__(
        self,
        backbone: SegmentationBackbone,
        num_classes: int,
        preprocessor: Any = "auto",
        class_names: Sequence[str] | None = None,
        palette: Sequence[Color] | None = None,
        display_palette: Sequence[Color] | None = None,
        **kwargs: Any,
    ) -> None:
        check_class_facts(num_classes, class_names, palette, display_palette)
        check_model_keywords(self, kwargs, ("compile", "name", "trainable"))
        if preprocessor == "auto":
            preprocessor = self._make_preprocessor(backbone)
        if isinstance(preprocessor, self.preprocessor_cls):
            # It has no weights. With a layer unbuilt, Keras on JAX first runs
            # the whole network operation by operation, which takes minutes.
            for layer in preprocessor._flatten_layers():
                layer.built = True

        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.classifier = _classifier(backbone, num_classes, "classifier")
        self.auxiliary_classifier = None
        if "auxiliary_features" in backbone.output:
            self.auxiliary_classifier = _classifier(
                backbone, num_classes, "auxiliary_classifier"
            )
        # Softmax and loss need float32 even under mixed precision.
        self.upsample = ResizeLike(
            align_corners=backbone.align_corners,
            data_format="channels_last",
            dtype="float32",
            name="upsample",
        )
        self._to_last = None
        if backbone.data_format == "channels_first":
            self._to_last = keras.layers.Permute(
                (2, 3, 1), name="to_channels_last"
            )
        self.make_head(int(num_classes))

        # === Functional Model ===
        tiles = keras.layers.Input(shape=backbone.tile_shape, name="tiles")
        logits, training_outputs = self._connect(tiles)

        # === Config ===
        # Before the base class compiles, which needs the classes.
        self.num_classes = int(num_classes)
        self.class_names = None if class_names is None else list(class_names)
        self.palette = _as_colors("palette", palette)
        self.display_palette = _as_colors("display_palette", display_palette)
        self._call_in_training = None
        if training_outputs is not None:
            # The method of a model, not the model, which would be tracked as a
            # layer. A `keras.Function` has no `training`: on JAX, where no
            # `__call__` surrounds it in a step, statistics would never change.
            self._call_in_training = keras.Model(tiles, training_outputs).call
        super().__init__(inputs=tiles, outputs=logits, **kwargs)
        self._track_training_network()

    def _track_training_network(self) -> None:
        """Make the heads that are only for training part of the model.

        They are not in its graph, and keras-hub's tasks track no attributes
        on torch.
        """
        if self._call_in_training is None:
            return
        for layer in self._call_in_training.__self__.operations:
            if isinstance(layer, keras.Layer):
                self._tracker.track(layer)

    def _connect(
        self, tiles: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, dict[str, Any] | None]:
        """Return the logits of tiles, and the input of the losses."""
        x = tiles
        if self.backbone.data_format == "channels_first":
            x = keras.layers.Permute((3, 1, 2), name="to_channels_first")(x)
        outputs = {**self.backbone(x)}
        logits = self.connect_head(tiles, outputs)
        if self.auxiliary_classifier is not None:
            auxiliary = outputs.pop("auxiliary_features")
            auxiliary = self.channels_last(self.auxiliary_classifier(auxiliary))
            outputs["auxiliary_logits"] = self.upsample(tiles, auxiliary)
        return logits, self.training_outputs(logits, outputs)

    def make_head(self, num_classes: int) -> None:
        """Hook to make further layers that depend on the number of classes.

        Args:
            num_classes: int.
        """

    def connect_head(
        self, tiles: keras.KerasTensor, outputs: dict[str, Any]
    ) -> keras.KerasTensor:
        """Connect the backbone's outputs to the logits.

        A system with more than a classifier overrides it and `make_head()`.

        Args:
            tiles: KerasTensor. Only its size is used.
            outputs: dict of KerasTensors, the backbone's outputs. Anything
                added to it reaches the losses, see `training_outputs()`.

        Returns:
            KerasTensor, the logits at the size of the tiles, channels last.
        """
        logits = self.classifier(outputs["features"])
        return self.upsample(tiles, self.channels_last(logits))

    def channels_last(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return a map of the backbone with its channels last."""
        return x if self._to_last is None else self._to_last(x)

    def reorder_classes(self, order: Sequence[int]) -> None:
        """Reorder the classes of the head.

        Args:
            order: the previous index of each class.
        """
        heads = (self.classifier, self.auxiliary_classifier)
        self._reorder(order, *(head for head in heads if head is not None))

    def _reorder(
        self, order: Sequence[int], *heads: keras.layers.Layer
    ) -> None:
        """Reorder the outputs of layers whose last axis is the classes."""
        for variable in (v for head in heads for v in head.weights):
            values = keras.ops.convert_to_numpy(variable)
            variable.assign(values[..., list(order)])

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """The weighted loss of the auxiliary classifier; 0 without one."""
        if self.auxiliary_classifier is None:
            return 0.0
        loss = self.default_loss()(masks, outputs["auxiliary_logits"])
        return self.auxiliary_weight * loss

    @property
    def auxiliary_weight(self) -> float:
        """Weight of the auxiliary loss.

        0.5 for the torchvision forms, as in its script, else mmsegmentation's
        0.4.
        """
        form = getattr(self.backbone, "form", None)
        return 0.5 if form == "torchvision" else 0.4

    def training_outputs(
        self,
        logits: keras.KerasTensor,
        backbone_outputs: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Input of the losses: the logits, and the backbone's other outputs.

        Args:
            logits: KerasTensor, the logits at the size of the tile.
            backbone_outputs: dict of KerasTensors, the backbone's outputs.

        Returns:
            A dict of `"logits"` and all outputs of the backbone except
            `"features"`, or `None` if it has no others. The model returns it
            for `training=True` and `extra_loss()` receives it; anything else
            sees only the logits.
        """
        others = {
            name: output
            for name, output in backbone_outputs.items()
            if name != "features" and keras.tree.flatten(output)
        }
        return {"logits": logits, **others} if others else None

    def _make_preprocessor(self, backbone: SegmentationBackbone) -> Any:
        cls = self.preprocessor_cls
        converter = cls.image_converter_cls.for_bands(backbone.tile_shape[-1])
        return cls(image_converter=converter)

    @property
    def bands(self) -> tuple[str, ...] | None:
        """Names of the bands of a tile, or `None` if unknown."""
        return getattr(self._converter, "bands", None)

    @property
    def ground_sample_distance(self) -> float | None:
        """Metres per pixel of the training tiles, or `None` if unknown."""
        return getattr(self._converter, "ground_sample_distance", None)

    @property
    def value_range(self) -> tuple[float, float] | None:
        """Lowest and highest value of a tile, or `None` if unknown."""
        return getattr(self._converter, "value_range", None)

    @property
    def _converter(self) -> Any:
        return getattr(self.preprocessor, "image_converter", None)

    def call(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        if training and self._call_in_training is not None:
            return self._call_in_training(inputs, training=True)
        if self._program is not None and not training:
            return self._program(inputs)
        return super().call(inputs, training=training, mask=mask)

    def make_program(self, joins: bool = False) -> None:
        """Have the network run as a program of its backend, once trained.

        On torch it is traced; on JAX, `predict_on_batch` leaves the weights
        where they are. Nothing changes on TensorFlow.

        Args:
            joins: whether the program may take some seconds to make, for
                many tiles, see `TracedProgram`.
        """
        backend = keras.backend.backend()
        if self.run_eagerly:
            return
        if backend == "torch":
            plain = super().call
            self._program = TracedProgram(
                lambda tiles: plain(tiles, training=False),
                self.variables,
                joins,
            )
        elif backend == "jax":
            self._batch_program = inference_program(
                lambda tiles: self(tiles, training=False), self.variables
            )

    def for_inference(self) -> "Segmenter":
        """Returns a faster twin, see `keras_rsseg.optimize_for_inference`."""
        return optimize_for_inference(self)

    @property
    def prepares_for_many_tiles(self) -> bool:
        """Whether `for_batches()` differs for many tiles."""
        return keras.backend.backend() == "torch"

    def for_batches(self, many_tiles: bool = False) -> Any:
        """Returns what answers batches faster than the task, as it is now.

        Args:
            many_tiles: see `keras_rsseg.optimize_for_inference`.

        Returns:
            A `FoldedTask`, or the faster twin where this has another layout.
        """
        is_torch = keras.backend.backend() == "torch"
        layout = self.backbone.data_format
        if is_torch or self.run_eagerly or layout != fastest_data_format():
            return optimize_for_inference(self, many_tiles=many_tiles)
        return FoldedTask(self)

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Writes only the network, see `keras.Model.export`.

        Warns that whatever runs it must normalise the tiles.

        Args:
            filepath: path to write to.
            *args, **kwargs: arguments of `keras.Model.export`.
        """
        if self.preprocessor is not None:
            warnings.warn(
                "`export()` of Keras writes the network without its "
                "preprocessor: whatever runs the file must give it tiles "
                "normalised by `model.preprocessor`, not those of an image",
                UserWarning,
                stacklevel=2,
            )
        super().export(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(
            {
                "num_classes": self.num_classes,
                "class_names": self.class_names,
                "palette": self.palette,
                "display_palette": self.display_palette,
            }
        )
        return config


def _classifier(
    backbone: SegmentationBackbone, num_classes: int, name: str
) -> keras.layers.Layer:
    return Conv2D(
        num_classes,
        backbone.classifier_kernel_size if name == "classifier" else 1,
        padding="same",
        data_format=backbone.data_format,
        dtype=backbone.dtype_policy,
        name=name,
    )


def _as_colors(name: str, colors: Sequence[Color] | None) -> list[Color] | None:
    if colors is None:
        return None
    return [as_color(name, color) for color in colors]
