"""How weights start that PyTorch's defaults started in the papers' code."""

import keras


def torch_default_initializer():
    """Return what a PyTorch convolution starts its kernel from.

    Uniform in `± 1 / sqrt(fan_in)`: `torch.nn.init.kaiming_uniform_` with
    `a=sqrt(5)`.
    """
    return keras.initializers.VarianceScaling(
        1 / 3, mode="fan_in", distribution="uniform"
    )
