"""Graphs of operators that every runtime of exported models has."""

import contextlib
import contextvars
from collections.abc import Iterator

_PORTABLE = contextvars.ContextVar("keras_rsseg_portable", default=False)


@contextlib.contextmanager
def portable_graph() -> Iterator[None]:
    """Trace with operators that ONNX, LiteRT and OpenVINO have.

    Some ops of this package use operators that only TensorFlow has, if these
    are faster or handle more cases. Within this context they use plainer
    operators, with the same result for finite numbers.

    Example:

    ```python
    from keras_rsseg.ops.portable import is_portable
    from keras_rsseg.ops.portable import portable_graph

    with portable_graph():
        inside = is_portable()
    inside, is_portable()  # (True, False)
    ```
    """
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)


def is_portable() -> bool:
    """Whether a graph is traced for other runtimes."""
    return _PORTABLE.get()
