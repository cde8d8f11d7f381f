import functools

import keras
import keras_hub

from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import record_version
from keras_rsseg.hub.preset_folder import open_preset
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.metrics.confusion_metric import MeanIoU
from keras_rsseg.models.band_adaptation import load_for_bands
from keras_rsseg.models.optimize_for_inference import optimize_for_inference
from keras_rsseg.models.tile_checks import check_masks
from keras_rsseg.models.tile_checks import check_tiles
from keras_rsseg.void import VOID


class Segmenter(keras_hub.models.ImageSegmenter):
    """Base of all tasks: tiles in, class logits of the same size out.

    A task is a backbone, a 1x1 convolution to the classes, and a bilinear
    resize of the logits to the tile. Its tensors are channels-last, whatever
    the data format inside its backbone.

    `fit()` takes tiles in their own value range (the preprocessor normalises
    them) and integer masks in which 255 is void. `compile()` without
    arguments, which the constructor calls, gives the published recipe.

    Args:
        backbone: the subclass's `backbone_cls`.
        num_classes: int. Number of classes, at most 255.
        preprocessor: the subclass's `preprocessor_cls`, or `None` if tiles
            come normalised. Defaults to `"auto"`, ImageNet's normalisation.
        class_names: list of strings, one a class, or `None`.
        palette: list of `(red, green, blue)` from 0 to 255, one a class, or
            `None`. How maps are coloured.
        **kwargs: other keyword arguments of `keras_hub.models.Task`.

    Call arguments:
        tiles: float tensor `(batch, height, width, bands)`, normalised:
            `predict()`, `fit()` and `evaluate()` do that, calling the model
            does not. Any height and width.

    Returns:
        float32 logits `(batch, height, width, num_classes)`.
    """

    def __init__(
        self,
        backbone,
        num_classes,
        preprocessor="auto",
        class_names=None,
        palette=None,
        **kwargs,
    ):
        _check_classes(num_classes, class_names, palette)
        check_model_keywords(self, kwargs, ("compile", "name", "trainable"))
        channels_first = backbone.data_format == "channels_first"
        shape = backbone.input_shape[1:]
        if channels_first:
            shape = (*shape[1:], shape[0])
        if preprocessor == "auto":
            preprocessor = self._make_preprocessor(shape[-1])
        if isinstance(preprocessor, self.preprocessor_cls):
            # It has no weights. With a layer unbuilt, Keras on JAX first runs
            # the whole network operation by operation, which takes minutes.
            for layer in preprocessor._flatten_layers():
                layer.built = True

        # === Layers ===
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.classifier = keras.layers.Conv2D(
            num_classes,
            1,
            data_format=backbone.data_format,
            dtype=backbone.dtype_policy,
            name="classifier",
        )
        # Softmax and loss need float32 under mixed precision, too.
        self.upsample = ResizeLike(
            align_corners=backbone.align_corners,
            data_format="channels_last",
            dtype="float32",
            name="upsample",
        )

        # === Functional Model ===
        tiles = keras.layers.Input(shape=shape, name="tiles")
        x = tiles
        if channels_first:
            x = keras.layers.Permute((3, 1, 2), name="to_channels_first")(x)
        backbone_outputs = backbone(x)
        logits = self.classifier(backbone_outputs["features"])
        if channels_first:
            to_last = keras.layers.Permute((2, 3, 1), name="to_channels_last")
            logits = to_last(logits)
        logits = self.upsample(tiles, logits)
        training_outputs = self.training_outputs(logits, backbone_outputs)

        # === Config ===
        # Before the base class compiles, which needs the classes.
        self.num_classes = num_classes
        self.class_names = None if class_names is None else list(class_names)
        self.palette = (
            None if palette is None else [tuple(color) for color in palette]
        )
        self._training_network = (
            None
            if training_outputs is None
            else keras.Function(tiles, training_outputs)
        )
        super().__init__(inputs=tiles, outputs=logits, **kwargs)

    def training_outputs(self, logits, backbone_outputs):
        """What the loss needs beside the logits.

        Args:
            logits: KerasTensor, the logits at the size of the tile.
            backbone_outputs: dict of KerasTensors, the backbone's outputs.

        Returns:
            `None`, or a dict of KerasTensors with an entry `"logits"`. It is
            what the model returns for `training=True` and `compute_loss()`
            receives; anything else sees the logits alone.
        """
        return None

    def _make_preprocessor(self, num_bands):
        cls = self.preprocessor_cls
        converter = cls.image_converter_cls.for_bands(num_bands)
        return cls(image_converter=converter)

    @property
    def bands(self):
        """Names of the bands of a tile, or `None` where not known."""
        return getattr(self._converter, "bands", None)

    @property
    def ground_sample_distance(self):
        """Metres a pixel of the tiles trained on, `None` if not known."""
        return getattr(self._converter, "ground_sample_distance", None)

    @property
    def value_range(self):
        """Lowest and highest value of a tile, or `None` where not known."""
        return getattr(self._converter, "value_range", None)

    @property
    def _converter(self):
        return getattr(self.preprocessor, "image_converter", None)

    def call(self, inputs, training=None, mask=None):
        if training and self._training_network is not None:
            return self._training_network(inputs)
        return super().call(inputs, training=training, mask=mask)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        if isinstance(y_pred, dict):
            y_pred = y_pred["logits"]
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def fit(self, x=None, y=None, *args, validation_data=None, **kwargs):
        """Trains, see `keras.Model.fit`.

        Args:
            x: array of tiles, or a dataset of pairs of tiles and masks.
                Arrays are taken in their order, without shuffling.
            y: array of masks, or `None` for a dataset.
            *args: `batch_size` and `sample_weight`.
            validation_data: a pair of arrays, or a dataset.
            **kwargs: see `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`.

        Raises:
            ValueError: tiles or masks do not fit the model or one another.
        """
        self._check_arrays(x, y)
        if isinstance(validation_data, tuple | list):
            self._check_arrays(*validation_data[:2])
        # keras-hub makes a pipeline of arrays, which Keras cannot shuffle.
        kwargs.setdefault("shuffle", False)
        return super().fit(
            x, y, *args, validation_data=validation_data, **kwargs
        )

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Computes loss and metrics, see `keras.Model.evaluate`.

        Args:
            x: array of tiles, or a dataset of pairs of tiles and masks.
            y: array of masks, or `None` for a dataset.
            *args: `batch_size` and `sample_weight`.
            **kwargs: see `keras.Model.evaluate`.

        Returns:
            list of the loss and the metrics, or a dict of them.

        Raises:
            ValueError: tiles or masks do not fit the model or one another.
        """
        self._check_arrays(x, y)
        return super().evaluate(x, y, *args, **kwargs)

    def for_inference(self):
        """Returns a faster twin, see `keras_rsseg.optimize_for_inference`."""
        return optimize_for_inference(self)

    def _check_arrays(self, tiles, masks=None):
        """Check all before the first step; datasets are checked as read."""
        if hasattr(tiles, "shape"):
            check_tiles(tiles, self.input_shape[-1])
            if masks is not None:
                check_masks(masks, tiles, self.num_classes, VOID)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        check_tiles(x, self.input_shape[-1])
        if y is not None:
            y = check_masks(y, x, self.num_classes, VOID)
        return super().preprocess_samples(x, y, sample_weight)

    def compile(self, optimizer="auto", loss="auto", *, metrics="auto", **kw):
        """Configures training, by default with the published recipe.

        Args:
            optimizer: `"auto"` is SGD with momentum 0.9, learning rate 0.01
                and the weight decay of the released scripts.
            loss: `"auto"` is the system's own segmentation loss.
            metrics: `"auto"` is the mean IoU without void.
            **kw: other keyword arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = default_optimizer()
        if loss == "auto":
            loss = self.default_loss()
        if metrics == "auto":
            metrics = [MeanIoU(self.num_classes, ignore_class=VOID)]
        if (
            keras.backend.backend() == "tensorflow"
            and kw.get("jit_compile", "auto") == "auto"
        ):
            # Keras would compile with XLA, anew for every size of tile; on
            # CPUs its backward convolutions are the slower ones, too.
            kw["jit_compile"] = False
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kw)

    def get_compile_config(self):
        config = super().get_compile_config()
        if not config:
            return config
        if not config["jit_compile"]:
            # The choice for TensorFlow must not go to other backends.
            config["jit_compile"] = "auto"
        built = self.optimizer is not None and self.optimizer.built
        return {**config, "optimizer_built": built}

    def compile_from_config(self, config):
        # Keras leaves it out where `compile()` is overridden.
        config = keras.saving.deserialize_keras_object(config)
        built = config.pop("optimizer_built")
        self.compile(**config)
        if built:  # else the file holds no moments
            self.optimizer.build(self.trainable_variables)

    def default_loss(self):
        """Cross-entropy, averaged over the pixels that are not void."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=VOID
        )

    @classmethod
    def from_preset(
        cls, preset, load_weights=True, *, revision=None, bands=None, **kwargs
    ):
        """Builds a task from a preset: network, weights and preprocessing.

        Args:
            preset: string. A name of `keras_rsseg.list_presets()`, a folder,
                or a handle `"hf://org/name"`. It may end in `@revision`.
            load_weights: bool. If `False`, weights are random.
            revision: string, a branch, tag or commit of a handle.
            bands: names of the bands that tiles will have, in their order.
                The first convolution is fitted to them, see
                `keras_rsseg.models.band_adaptation`. Defaults to the
                preset's; `image_shape` with another number of bands keeps
                those and names the others `"band_4"` and so on.
            **kwargs: replace what the preset says, such as `num_classes`
                (the head is then random), `dtype` or `image_shape`.

        Returns:
            A task of the class that the preset holds, with the attribute
            `preset`, its name.

        Raises:
            ValueError: the preset is unknown, cannot be had, is of another
                task, or damaged.
        """
        given = sorted(kwargs)
        with open_preset(preset, revision, load_weights, given) as opened:
            folder, saved_cls = opened
            if not issubclass(saved_cls, cls):
                raise PresetError(
                    f"`preset` {str(preset)!r} holds a {saved_cls.__name__}, "
                    f"it cannot be loaded as {cls.__name__}. Use "
                    f"`{saved_cls.__name__}.from_preset()`, or "
                    "`keras_rsseg.from_preset()`, which picks the class."
                )
            if kwargs.get("dtype") is None:
                # keras-hub cannot tell from a policy such as mixed_float16.
                kwargs["dtype"] = keras.config.dtype_policy().name
            if "num_classes" in kwargs:
                # Names and colours of other classes would be wrong.
                kwargs = {"class_names": None, "palette": None, **kwargs}
            load = functools.partial(
                keras_hub.models.ImageSegmenter.from_preset.__func__,
                saved_cls,
                folder,
            )
            task = load_for_bands(load, folder, load_weights, bands, kwargs)
        task.preset = str(preset)
        if revision is not None and "@" not in task.preset:
            task.preset += f"@{revision}"
        return task

    def save_to_preset(self, preset_dir, max_shard_size=10):
        """Writes a preset folder, see `keras_hub.models.Task`."""
        super().save_to_preset(preset_dir, max_shard_size)
        record_version(preset_dir)

    def save_task_weights(self, filepath):
        keras.saving.save_weights(
            self, filepath, objects_to_skip=self._not_in_presets()
        )

    def load_task_weights(self, filepath):
        keras.saving.load_weights(
            self, filepath, objects_to_skip=self._not_in_presets()
        )

    def _not_in_presets(self):
        """What `task.weights.h5` must not hold.

        Beside the backbone, which has a file of its own, Keras would store
        the optimizer's moments (as large as the network) and the metrics'
        counts, and fail to load them into a task that has others.
        """
        trackers = [self.optimizer, *self.metrics]
        return [
            *self.backbone._flatten_layers(),
            *(tracker for tracker in trackers if tracker is not None),
        ]

    def get_config(self):
        config = super().get_config()
        config.update(
            {
                "num_classes": self.num_classes,
                "class_names": self.class_names,
                "palette": self.palette,
            }
        )
        return config


def default_optimizer():
    """SGD as in the released training scripts.

    PyTorch adds the weight decay of 1e-4 to the gradient, where momentum 0.9
    multiplies it by 1 / (1 - 0.9) in the long run. Keras takes it off the
    weights directly, which is the same with ten times the number.
    """
    return keras.optimizers.SGD(
        learning_rate=0.01, momentum=0.9, weight_decay=1e-3
    )


def _check_classes(num_classes, class_names, palette):
    if not 1 <= num_classes <= VOID:
        raise ArgumentError(
            "`num_classes` must be from 1 to 255, id 255 is void. Received: "
            f"num_classes={num_classes}"
        )
    for name, value in (("class_names", class_names), ("palette", palette)):
        if value is not None and len(value) != num_classes:
            raise ArgumentError(
                f"`{name}` must have one entry a class. Received: "
                f"{len(value)} entries and num_classes={num_classes}"
            )
