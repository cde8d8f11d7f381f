"""How a segmenter is trained and scored, on data of any kind."""

import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.losses.annealing import AdvanceAnnealing
from keras_rsseg.models.class_history import ClassHistory
from keras_rsseg.models.class_history import set_directions
from keras_rsseg.models.compile_note import CompileNote
from keras_rsseg.models.compiled_task import CompiledTask
from keras_rsseg.models.first_batch import FirstBatch
from keras_rsseg.models.first_batch import doubt_samples
from keras_rsseg.models.first_batch import refuse_class_weight
from keras_rsseg.models.first_batch import warn_of
from keras_rsseg.models.folded_task import logits_of
from keras_rsseg.models.generator_end import watch_generators
from keras_rsseg.models.one_hot_masks import takes_one_hot
from keras_rsseg.models.preprocessing import check_masks
from keras_rsseg.models.preprocessing import check_tiles
from keras_rsseg.models.sample_preparation import fill_batch
from keras_rsseg.models.sample_preparation import void_not_finite
from keras_rsseg.models.sample_preparation import weights_of_pixels
from keras_rsseg.models.training_data import as_array
from keras_rsseg.models.training_data import batch_arrays
from keras_rsseg.models.training_data import is_arrays
from keras_rsseg.models.training_data import is_plain_batches
from keras_rsseg.models.training_data import prepare_batches
from keras_rsseg.models.training_data import split_arrays
from keras_rsseg.typing import Tensor
from keras_rsseg.void import VOID

# Fewer tiles cannot be expected to hold every class.
_MANY_TILES = 16


class TrainableTask(CompiledTask):
    """Base of `Segmenter`: the steps between its data and Keras."""

    # An `inference_program`, for tasks that are for inference only.
    _batch_program: Callable[[Tensor], Tensor] | None = None

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Trains, see `keras.Model.fit`.

        Arrays are checked as a whole before the first step, data sets in
        their first batch: certain mistakes are errors, doubts are
        `SampleWarning`s. Pixels that are NaN or infinite are void.

        Args:
            x: array of tiles, or a data set of pairs of tiles and masks: a
                `tf.data.Dataset`, such as `keras_rsseg.data.tile_dataset`
                returns, a `keras.utils.PyDataset`, a torch `DataLoader`, a
                grain data set, or a generator.
            y: array of masks, or `None` for a data set. Masks can have a
                channel for each class if the loss of `compile()` needs them
                that way, such as `keras.losses.CategoricalCrossentropy`.
            batch_size: number of tiles per batch of arrays, 32 by default.
            epochs: int.
            verbose, callbacks: see `keras.Model.fit`. Callbacks can monitor
                our scores without being told that more is better.
            validation_split: share of the arrays, their last tiles.
            validation_data: a pair of arrays, or a data set.
            shuffle: whether to shuffle arrays in each epoch; data sets have
                their own order.
            class_weight: refused: the losses have `class_weights`.
            sample_weight: array, one weight per tile or per pixel; data sets
                hold it after the masks.
            initial_epoch, steps_per_epoch, validation_steps: see
                `keras.Model.fit`.
            validation_batch_size: as `batch_size`, which is its default.
            validation_freq: see `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`, with the IoU of each class
            (`iou_water`, `val_iou_water`) if the model has `class_names`.

        Raises:
            ArgumentError: tiles do not fit the model.
            MaskError: masks do not fit the model or their tiles.
        """
        refuse_class_weight(class_weight)
        arrays = as_array(x), as_array(y), as_array(sample_weight)
        if validation_split and validation_data is None:
            _check_splittable(x)
            arrays, validation_data = split_arrays(arrays, validation_split)
        data = self._feed(x, arrays, batch_size, shuffle, True)
        validation = validation_data
        if isinstance(validation, tuple | list) and is_arrays(validation[0]):
            parts = tuple(as_array(part) for part in validation)
            arrays = (*parts, None)[:3]
            size = validation_batch_size or batch_size
            validation = self._feed(parts[0], arrays, size, False, False)
        callbacks = self._callbacks(
            callbacks,
            verbose,
            *watch_generators(
                data,
                validation,
                steps_per_epoch,
                validation_steps,
                epochs - initial_epoch,
            ),
        )
        watch = FirstBatch(self)
        run, (data, validation) = self._run_of(
            "fit", watch, [data, validation], not is_arrays(x)
        )
        with _told(watch):
            return run(
                x=data,
                epochs=epochs,
                verbose=verbose,
                callbacks=callbacks,
                validation_data=validation,
                # Arrays are already shuffled; Keras would warn about it.
                shuffle=False,
                initial_epoch=initial_epoch,
                steps_per_epoch=steps_per_epoch,
                validation_steps=validation_steps,
                validation_freq=validation_freq,
            )

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Computes loss and metrics, see `keras.Model.evaluate`.

        Args:
            x: array of tiles, or a data set of pairs of tiles and masks, see
                `fit()`.
            y: array of masks, or `None` for a data set.
            batch_size: number of tiles per batch of arrays, 32 by default.
            verbose: see `keras.Model.evaluate`.
            sample_weight: array, one weight per tile or per pixel.
            steps, callbacks, return_dict: see `keras.Model.evaluate`.
            **kwargs: for Keras itself.

        Returns:
            list of the loss and the metrics, or a dict of them.

        Raises:
            ArgumentError: tiles do not fit the model.
            MaskError: masks do not fit the model or their tiles.
        """
        options = {
            "verbose": verbose,
            "steps": steps,
            "callbacks": callbacks,
            "return_dict": return_dict,
            **kwargs,
        }
        if kwargs.get("_use_cached_eval_dataset", False):
            return super().evaluate(x=x, y=y, batch_size=batch_size, **options)
        arrays = as_array(x), as_array(y), as_array(sample_weight)
        data = self._feed(x, arrays, batch_size, False, False)
        watch = FirstBatch(self)
        run, (data,) = self._run_of("evaluate", watch, [data], not is_arrays(x))
        with _told(watch):
            return run(x=data, **options)

    def predict(
        self, x: Any, batch_size: int | None = None, **kwargs: Any
    ) -> Any:
        """Returns the logits of tiles, see `keras.Model.predict`.

        Args:
            x: array of tiles, or a data set of tiles, see `fit()`.
            batch_size: number of tiles per batch of arrays, 32 by default.
            **kwargs: see `keras.Model.predict`.

        Returns:
            array `(tiles, height, width, num_classes)`.

        Raises:
            ArgumentError: tiles do not fit the model.
        """
        if is_plain_batches(x):
            watch = FirstBatch(self)
            run, (x,) = self._run_of("predict", watch, [x], True)
            with _told(watch):
                return run(x=x, **kwargs)
        if is_arrays(x):
            x = as_array(x)
            check_tiles(x, self.input_shape[-1])
            if _is_none(x):
                return self._no_logits(x)
            tiles = keras.ops.convert_to_numpy(x)
            warn_of(doubt_samples(self, tiles, None, False))
        return super().predict(x, batch_size=batch_size, **kwargs)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the logits of one batch, see `keras.Model`.

        Args:
            x: array of tiles. No tiles yield an empty array.

        Raises:
            ArgumentError: tiles do not fit the model.
        """
        if _is_none(x):
            check_tiles(x, self.input_shape[-1])
            return self._no_logits(x)
        if self._batch_program is None or self.run_eagerly:
            return super().predict_on_batch(x)
        return logits_of(self, self._batch_program, x)

    def _no_logits(self, tiles: Any) -> np.ndarray:
        """Logits of no tiles: backends fail differently for empty batches."""
        return np.zeros((*tiles.shape[:3], self.num_classes), "float32")

    def _feed(
        self,
        x: Any,
        arrays: tuple[Any, ...],
        batch_size: int | None,
        shuffle: bool,
        training: bool,
    ) -> Any:
        """Arrays as a data set, checked as a whole; other data unchanged."""
        if not is_arrays(x):
            given = {"y": arrays[1], "sample_weight": arrays[2]}
            given["batch_size"] = batch_size
            for name, value in given.items():
                if value is not None:
                    raise ArgumentError(
                        f"`{name}` is for arrays: a data set holds masks and "
                        "weights together with its tiles, in batches. "
                        f"Received: {name} with a {type(x).__name__}"
                    )
            return x
        tiles, masks, weights = arrays
        check_tiles(tiles, self.input_shape[-1])
        if masks is None:
            raise ArgumentError("`y`, the masks, is required with arrays")
        _refuse_none(tiles)
        masks = self._check_masks(masks, tiles)
        whole = training and len(tiles) >= _MANY_TILES
        doubts = doubt_samples(
            self,
            keras.ops.convert_to_numpy(tiles),
            keras.ops.convert_to_numpy(masks),
            whole,
        )
        warn_of(doubts, stacklevel=3)
        return batch_arrays((tiles, masks, weights), batch_size, shuffle)

    def _check_masks(self, masks: Any, tiles: Any) -> Any:
        one_hot = takes_one_hot(self.loss)
        return check_masks(masks, tiles, self.num_classes, VOID, one_hot)

    def _run_of(
        self, name: str, watch: FirstBatch, data: list[Any], watched: bool
    ) -> tuple[Any, list[Any]]:
        """Keras' method to fit, evaluate or predict, and the data for it."""
        plain = [is_plain_batches(part) for part in data]
        if watched and not plain[0]:
            if hasattr(data[0], "as_numpy_iterator"):
                data = [watch.watch(data[0]), *data[1:]]
            elif hasattr(data[0], "map"):
                data = [data[0].map(_Watching(watch)), *data[1:]]
        if not any(plain):
            return getattr(super(), name), data

        def prepare(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
            return self.preprocess_samples(x, y, sample_weight)

        def first(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
            watch(x, y)
            return prepare(x, y, sample_weight)

        ways = [first if watched and plain[0] else prepare, prepare]
        found = [
            part if part is None else prepare_batches(part, way)
            for part, way in zip(data, ways, strict=False)
        ]
        # Keras' own: keras-hub would take these for arrays.
        run = getattr(keras.Model, name)
        return functools.partial(run, self), found

    def _callbacks(self, callbacks: Any, verbose: Any, *more: Any) -> Any:
        set_directions(callbacks)
        # Keras keeps what it has compiled.
        if verbose and getattr(self, "train_function", None) is None:
            more = (CompileNote(), *more)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            for callback in more:
                callbacks.append(callback)
            return callbacks
        given = [
            callback
            for callback in keras.tree.flatten(callbacks)
            if callback is not None
        ]
        own: list[keras.callbacks.Callback] = []
        if self.class_names is not None:
            # Comes first, so that all others see what it adds.
            own.append(ClassHistory(self.class_names))
        if getattr(self.loss, "annealing", None) is not None and not any(
            isinstance(callback, AdvanceAnnealing) for callback in given
        ):
            own.append(AdvanceAnnealing(self.loss))
        return [*own, *given, *more]

    def preprocess_samples(
        self, x: Any, y: Any = None, sample_weight: Any = None
    ) -> Any:
        check_tiles(x, self.input_shape[-1])
        if y is not None:
            _refuse_none(x)
            y = self._check_masks(y, x)
            x, y = void_not_finite(x, y)
            sample_weight = weights_of_pixels(sample_weight, y)
            strategy = getattr(self, "distribute_strategy", None)
            replicas = getattr(strategy, "num_replicas_in_sync", 1)
            x, y, sample_weight = fill_batch(x, y, sample_weight, replicas)
        return super().preprocess_samples(x, y, sample_weight)


class _Watching:
    """Checks the first batch of a grain data set."""

    def __init__(self, watch: FirstBatch):
        self._watch = watch

    def __call__(self, batch: Any) -> Any:
        if isinstance(batch, tuple):
            self._watch(*batch[:2])
        return batch


@contextlib.contextmanager
def _told(watch: FirstBatch) -> Iterator[None]:
    """Raise the error of the first batch in place of the pipeline's."""
    try:
        yield
    except Exception as error:
        if watch.error is None or watch.error is error:
            raise
        raise watch.error from None


def _is_none(tiles: Any) -> bool:
    """Return whether a batch has no tiles, as far as is known."""
    shape = getattr(tiles, "shape", None)
    if shape is None or getattr(shape, "rank", 4) is None:
        return False
    return tuple(shape)[:1] == (0,)


def _refuse_none(tiles: Any) -> None:
    if _is_none(tiles):
        raise ArgumentError(
            "There must be at least one tile. Received: shape "
            f"{tuple(tiles.shape)}"
        )


def _check_splittable(x: Any) -> None:
    if not is_arrays(x):
        raise ArgumentError(
            "`validation_split` is for arrays. Received: a "
            f"{type(x).__name__}. keras_rsseg.data.train_validation_split "
            "splits images before tiles are cut"
        )
