"""Training on several devices, with each backend's own engine."""

import contextlib
import os
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def distributed(wanted: bool = True) -> Iterator[None]:
    """Run models built inside on all devices, each on a share of a batch.

    TensorFlow: `MirroredStrategy`, or `MultiWorkerMirroredStrategy` if
    `TF_CONFIG` names several workers. JAX: `keras.distribution.DataParallel`
    over the devices of all hosts, which find each other by the variables
    `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `_NUM_PROCESSES` and `_PROCESS_ID`.

    Args:
        wanted: bool. `False` changes nothing.

    Raises:
        ValueError: on torch, for which Keras has no such engine.
    """
    backend = keras.backend.backend()
    if not wanted:
        yield
    elif backend == "tensorflow":
        with _tensorflow_strategy().scope():
            yield
    elif backend == "jax":
        if os.environ.get("KERAS_DISTRIBUTION_JOB_ADDRESSES"):
            keras.distribution.initialize()
        before = keras.distribution.distribution()
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        try:
            yield
        finally:
            keras.distribution.set_distribution(before)
    else:
        raise ValueError(
            "Training on several devices needs the backend tensorflow or jax. "
            f"Received: {backend}"
        )


def _tensorflow_strategy():
    import tensorflow as tf

    if os.environ.get("TF_CONFIG"):
        return tf.distribute.MultiWorkerMirroredStrategy()
    # `None` takes the GPUs, or one CPU if there are none.
    cpus = tf.config.list_logical_devices("CPU")
    gpus = tf.config.list_logical_devices("GPU")
    devices = [device.name for device in cpus] if not gpus else None
    return tf.distribute.MirroredStrategy(devices)
