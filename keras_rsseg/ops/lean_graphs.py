"""Fewer operations in TensorFlow's graphs, for a quick first step.

TensorFlow builds, optimises and places each operation of a graph before the
first step: HRNet-W18-IFWM had a hundred thousand, which took two minutes.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple
from typing import TypeVar

import keras
from keras import ops

from keras_rsseg.typing import Tensor

_SHARES = contextvars.ContextVar("keras_rsseg_shares", default=False)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def shape_of(tensor: Tensor) -> tuple[Any, ...]:
    """Lengths of the axes: ints if known, else scalar int tensors.

    Like `ops.shape`, which has four operations for each unknown axis; this
    has two for all.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        if torch.jit.is_tracing():
            # Otherwise they are tensors, and callers would take other paths.
            return tuple(int(length) for length in tensor.shape)
    static = tuple(tensor.shape)
    if backend != "tensorflow" or None not in static:
        return tuple(ops.shape(tensor))
    import tensorflow as tf

    if not isinstance(tensor, tf.Tensor):
        return tuple(ops.shape(tensor))
    dynamic = tf.unstack(tf.shape(tensor))
    return tuple(
        length if known is None else known
        for known, length in zip(static, dynamic, strict=True)
    )


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Like `ops.take`, for indices that are in range.

    `ops.take` counts negative ones from the end, with eight more operations.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.take(x, indices, axis=axis)
    import tensorflow as tf

    return tf.gather(x, indices, axis=axis)


@contextlib.contextmanager
def shared_graphs() -> Iterator[None]:
    """Have a graph call functions marked `shared` instead of copying them.

    For training on one device: other runtimes do not know such calls. Eager
    operations are not affected.
    """
    token = _SHARES.set(_may_share())
    try:
        yield
    finally:
        _SHARES.reset(token)


def _may_share() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not (tf.executing_eagerly() or tf.distribute.has_strategy())


def shared(function: _Function) -> _Function:
    """Mark a function of tensors and hashable values for sharing.

    It must read only its arguments, no variables.
    """

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if not _SHARES.get():
            return function(*arguments)
        tensors = [x for x in arguments if _is_tensor(x)]
        key = tuple(
            _Spec(tuple(x.shape), x.dtype) if _is_tensor(x) else x
            for x in arguments
        )
        return _function_of(function, key)(*tensors)

    return call  # type: ignore[return-value]


class _Spec(NamedTuple):
    shape: tuple[int | None, ...]
    dtype: Any


def _is_tensor(x: Any) -> bool:
    import tensorflow as tf

    return isinstance(x, tf.Tensor)


@functools.lru_cache(maxsize=256)
def _function_of(function: Callable[..., Any], key: tuple[Any, ...]) -> Any:
    """The function as a graph function, for arguments of some shapes."""
    import tensorflow as tf

    def traced(*tensors: Any) -> Any:
        given = iter(tensors)
        token = _SHARES.set(False)
        try:
            return function(
                *(next(given) if isinstance(x, _Spec) else x for x in key)
            )
        finally:
            _SHARES.reset(token)

    return tf.function(
        traced, autograph=False, experimental_attributes={"_noinline": True}
    )
