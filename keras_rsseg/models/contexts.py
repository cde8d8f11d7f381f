"""Context modules by their names, for the decoders of PFNet and its baseline.

The systems they come from also use them, with their own arguments.
"""

from collections.abc import Callable
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.models.attention_contexts import criss_cross_context
from keras_rsseg.models.attention_contexts import dual_attention_context
from keras_rsseg.models.attention_contexts import encoding_context
from keras_rsseg.models.attention_contexts import (
    expectation_maximization_context,
)
from keras_rsseg.models.attention_contexts import message_passing_context
from keras_rsseg.models.attention_contexts import object_context
from keras_rsseg.models.convolution_contexts import atrous_context
from keras_rsseg.models.convolution_contexts import dense_atrous_context
from keras_rsseg.models.convolution_contexts import dense_deformable_context
from keras_rsseg.models.convolution_contexts import fcn_context
from keras_rsseg.models.convolution_contexts import separable_atrous_context


def gather_context(
    context: str | None,
    coarsest: keras.KerasTensor,
    filters: int,
    **options: Any,
) -> keras.KerasTensor:
    """Apply a context module by its name, for a decoder.

    Args:
        context: `"pyramid_pooling"` (PPM); `"criss_cross"`,
            `"dual_attention"`, `"atrous_pooling"`,
            `"separable_atrous_pooling"`, `"fcn"`, `"dense_atrous_pooling"`,
            `"message_passing"`, `"expectation_maximization"`, `"encoding"` or
            `"object_context"`, the contexts of CCNet, DANet, DeepLabV3,
            DeepLabV3+, FCN, DenseASPP, DGMN, EMANet, EncNet (without its
            presence loss) and OCNet at their published widths, brought to
            `filters` channels by a 1x1 convolution; `"dense_deformable"`,
            DenseASPP's with deformable convolutions; or `None` for only the
            1x1 convolution, as in a plain FPN.
        coarsest: KerasTensor, the encoder's `"P5"`.
        filters: int. Channels of the result.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `coarsest` with `filters` channels.

    Raises:
        ArgumentError: for an unknown name.
    """
    check_choice("context", context, CONTEXTS)
    if context in _OF_DECODERS:
        return _OF_DECODERS[context](coarsest, filters, **options)
    if context is not None:
        coarsest = _OF_SYSTEMS[context](coarsest, **options)
    return ConvBNReLU(filters, 1, use_bias=True, name="lateral_P5", **options)(
        coarsest
    )


def _encoded_map(x: keras.KerasTensor, **options: Any) -> keras.KerasTensor:
    """Apply EncNet's context encoding, keeping only the map."""
    return encoding_context(x, **options)[0]


def _pooled_map(
    x: keras.KerasTensor, filters: int, **options: Any
) -> keras.KerasTensor:
    return PyramidPooling(filters, name="pyramid_pooling", **options)(x)


# Those that have the decoder's width by themselves.
_OF_DECODERS: dict[str | None, Callable[..., keras.KerasTensor]] = {
    "pyramid_pooling": _pooled_map,
    "dense_deformable": dense_deformable_context,
}
_OF_SYSTEMS: dict[str, Callable[..., keras.KerasTensor]] = {
    "criss_cross": criss_cross_context,
    "dual_attention": dual_attention_context,
    "atrous_pooling": atrous_context,
    "separable_atrous_pooling": separable_atrous_context,
    "fcn": fcn_context,
    "dense_atrous_pooling": dense_atrous_context,
    "message_passing": message_passing_context,
    "expectation_maximization": expectation_maximization_context,
    "encoding": _encoded_map,
    "object_context": object_context,
}
CONTEXTS = (None, *_OF_DECODERS, *_OF_SYSTEMS)
