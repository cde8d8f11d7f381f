"""Fewer operations in graphs, for a quick first step.

TensorFlow builds, optimises and places each operation of a graph before the
first step: HRNet-W18-IFWM had a hundred thousand, which took two minutes.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import TypeAlias
from typing import TypeVar

import keras
from keras import ops

from keras_rsseg.ops.portable import is_portable
from keras_rsseg.typing import Tensor

_Work: TypeAlias = Literal["training", "inference"]
# What the graph that shares functions is for; `None` if none does.
_SHARES = contextvars.ContextVar[_Work | None](
    "keras_rsseg_shares", default=None
)
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
    if None not in static:
        return static
    if backend != "tensorflow":
        return tuple(ops.shape(tensor))
    import tensorflow as tf

    if not isinstance(tensor, tf.Tensor):
        return tuple(ops.shape(tensor))
    dynamic = tf.unstack(tf.shape(tensor))
    return tuple(
        length if known is None else known
        for known, length in zip(static, dynamic, strict=True)
    )


def as_float(length: int | Tensor) -> float | Tensor:
    """A length as a float, without an operation if it is known."""
    known = isinstance(length, int)
    return float(length) if known else ops.cast(length, "float32")


def constant_if_known(function: _Function) -> _Function:
    """Mark a function of lengths (and other hashable values).

    If all lengths are known, it is computed once, outside of any graph, and
    its results are constants. Not in graphs for other runtimes, whose files
    would hold the constants.
    """
    computed = functools.lru_cache(maxsize=64)(
        functools.partial(_computed, function)
    )

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        given = (*arguments, *keywords.values())
        known = all(isinstance(x, int | str) for x in given)
        if not known or is_portable() or not _takes_constants():
            return function(*arguments, **keywords)
        return keras.tree.map_structure(
            ops.convert_to_tensor, computed(*arguments, **keywords)
        )

    return call  # type: ignore[return-value]


def _computed(
    function: Callable[..., Any], *arguments: Any, **keywords: Any
) -> Any:
    with _outside_of_graphs(), keras.device("cpu"):
        return keras.tree.map_structure(
            ops.convert_to_numpy, function(*arguments, **keywords)
        )


def _outside_of_graphs() -> contextlib.AbstractContextManager[Any]:
    if keras.backend.backend() != "tensorflow":
        return contextlib.nullcontext()
    import tensorflow as tf

    return tf.init_scope()


def _takes_constants() -> bool:
    backend = keras.backend.backend()
    if backend == "jax":
        # It would compile each operation by itself, and has constants in its
        # programs anyway.
        return False
    if backend == "torch":
        import torch

        # A copy to a GPU takes longer than the operations on it.
        compiles = torch.compiler.is_compiling()
        return not (compiles or torch.accelerator.is_available())
    import tensorflow as tf

    with tf.init_scope():
        # Not within a graph of TensorFlow 1.
        return tf.executing_eagerly()


@constant_if_known
def row_starts(
    count: int | Tensor, length: int | Tensor, trailing_axes: int = 0
) -> Tensor:
    """Flat indices of the first of each of `count` rows.

    An int32 tensor `(count,)`, or `(count, 1)` with one trailing axis.
    """
    starts = ops.arange(count, dtype="int32") * length
    return ops.reshape(starts, [-1] + [1] * trailing_axes)


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Like `ops.take`, for indices that are in range.

    `ops.take` counts negative ones from the end, with eight more operations.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.take(x, indices, axis=axis)
    import tensorflow as tf

    return tf.gather(x, indices, axis=axis)


@contextlib.contextmanager
def shared_graphs(work: _Work) -> Iterator[None]:
    """Have a graph call functions marked `shared` instead of copying them.

    On one device: other runtimes do not know such calls. Eager operations are
    not affected.

    Args:
        work: `"training"` or `"inference"`, without gradients.
    """
    token = _SHARES.set(work if _may_share() else None)
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
    return _shared(function, ("training", "inference"))


def shared_in_training(function: _Function) -> _Function:
    """Like `shared`, for functions with few operations but the gradient's.

    TensorFlow does not know the shape of what a call returns, so it does not
    fuse additions of it: HRNet-W18's forward pass took 0.96 of the time
    without calls of resizes.
    """
    return _shared(function, ("training",))


def _shared(function: _Function, works: tuple[_Work, ...]) -> _Function:
    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        if _SHARES.get() not in works:
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
        token = _SHARES.set(None)
        try:
            return function(
                *(next(given) if isinstance(x, _Spec) else x for x in key)
            )
        finally:
            _SHARES.reset(token)

    return tf.function(
        traced, autograph=False, experimental_attributes={"_noinline": True}
    )
