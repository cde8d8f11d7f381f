"""What a training runs on, besides CPUs."""

import keras


def accelerator_name() -> str | None:
    """Return the name of the GPU or TPU that Keras computes on.

    Returns:
        The first one's name from its driver (on TensorFlow "a GPU"), or
        `None` if there are only CPUs.

    Example:

    ```python
    from keras_rsseg.training.accelerator import accelerator_name

    accelerator_name() or "CPUs"
    ```
    """
    if keras.backend.backend() == "torch":
        import torch

        has_gpu = torch.cuda.is_available()
        return torch.cuda.get_device_name() if has_gpu else None
    if keras.backend.backend() == "jax":
        import jax

        # JAX raises when asked for a kind of device that it lacks.
        has_one = jax.default_backend() != "cpu"
        return jax.devices()[0].device_kind if has_one else None
    return "a GPU" if keras.distribution.list_devices("gpu") else None
