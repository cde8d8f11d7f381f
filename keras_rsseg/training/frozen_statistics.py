"""Batch norm that no longer follows the batches it sees."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def frozen_statistics(model: keras.Model) -> Iterator[None]:
    """Train with the moving statistics of batch norm, not the batch's.

    A network is trained with one normalisation and used with another. For
    unusual tiles (nothing but dark water, say) the two differ, and a network
    that never saw the second answers with confident nonsense. A last part of
    the training within this context lets it adapt. Compile the model again
    inside: what is trainable changes.

    Args:
        model: a `keras.Model`.

    Example:

    ```python
    layers = [keras.layers.Dense(2), keras.layers.BatchNormalization()]
    model = keras.Sequential([keras.Input((1,)), *layers])
    with keras_rsseg.training.frozen_statistics(model):
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 1)), np.ones((4, 2)), verbose=0)
    layers[1].trainable  # True
    ```
    """
    layers = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]
    for layer in layers:
        layer.trainable = False
    try:
        yield
    finally:
        for layer in layers:
            layer.trainable = True
