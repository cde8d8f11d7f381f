"""What a training runs on, beside CPUs."""

import keras


def accelerator_name() -> str | None:
    """Return the name of the GPU or TPU that Keras computes on.

    Returns:
        The first one's name as its driver has it (on TensorFlow "a GPU"),
        or `None` where there are CPUs alone.

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

        # Asked for devices of a kind that it lacks, it raises.
        has_one = jax.default_backend() != "cpu"
        return jax.devices()[0].device_kind if has_one else None
    return "a GPU" if keras.distribution.list_devices("gpu") else None
