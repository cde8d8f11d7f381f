"""What gathers the context of the coarsest level of a pyramid."""

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_pooling import PyramidPooling

CONTEXTS = (None, "pyramid_pooling")


def gather_context(context, coarsest, filters, **options):
    """Apply a context module by its name.

    Args:
        context: `"pyramid_pooling"` (PPM), or `None` for a 1x1 convolution
            as in a plain FPN.
        coarsest: KerasTensor, the encoder's `"P5"`.
        filters: int. Channels of the result.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `coarsest` with `filters` channels.

    Raises:
        ValueError: for an unknown name.
    """
    if context not in CONTEXTS:
        raise ValueError(
            f"`context` must be one of {CONTEXTS}. Received: "
            f"context={context!r}"
        )
    if context == "pyramid_pooling":
        return PyramidPooling(filters, name=context, **options)(coarsest)
    return ConvBNReLU(filters, 1, use_bias=True, name="lateral_P5", **options)(
        coarsest
    )
