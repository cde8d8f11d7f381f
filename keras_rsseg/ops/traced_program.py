"""A network on torch without Keras between its operations."""

import logging
import threading
import warnings
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.ops.torch_program import torch_program
from keras_rsseg.typing import Tensor

logger = logging.getLogger(__name__)

# Calls with a shape before it is traced, which takes as long as ten calls.
_CALLS_BEFORE = 3
# Most shapes with a program of their own; a scene's views have fewer.
_MOST_PROGRAMS = 8
# Relative to the largest value. A program runs the very same operations.
_TOLERANCE = 1e-4


class TracedProgram:
    """A function of one tensor; on torch, a program for each shape.

    Keras calls some hundred layers for a network, which on a CPU takes half
    as long as the arithmetic: HRNet-W18-IFWM took 0.4 of the time when
    traced. A shape that keeps coming is traced, and the program is used if
    its results match the function's. Gradients, symbolic tensors and other
    backends are left to the function.

    PyTorch calls `torch.jit.trace` deprecated. If it is gone or fails, the
    function runs as it is, and this is logged once.

    Args:
        function: maps a tensor to a tensor. Its operations can depend only
            on the shape and the dtype of its argument.
        variables: the Keras variables it reads, which do not train. When one
            of them is assigned to, programs are made again.
        joins: bool. Whether to use programs of `torch_program`, from the
            first call on, so that all results come from the same program.
            They are faster, take some seconds to make, and their results
            differ from the function's by rounding. Defaults to `False`.

    Example:

    ```python
    from keras_rsseg.ops.traced_program import TracedProgram

    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    dense.trainable = False
    program = TracedProgram(dense.call, dense.variables)
    program(keras.ops.ones((4, 3))).shape  # (4, 2)
    ```
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        variables: Sequence[keras.Variable] = (),
        joins: bool = False,
    ) -> None:
        self._function = function
        self._variables = list(variables)
        self._make = torch_program if joins else _traced
        self._joins = joins
        self._version = -1
        self._calls: dict[Any, int] = {}
        self._programs: dict[Any, Callable[[Tensor], Tensor]] = {}
        self._lock = threading.Lock()
        self._fails = False

    def __call__(self, x: Tensor) -> Tensor:
        if self._fails or not _may_be_traced(x):
            return self._function(x)
        key = tuple(x.shape), x.dtype, x.device
        with self._lock:
            self._forget_if_changed()
            program = self._programs.get(key)
            if program is None:
                if not self._is_worth_a_program(key):
                    return self._function(x)
                return self._trace(key, x)
        return program(x)

    def _forget_if_changed(self) -> None:
        """Drop programs whose weights have changed."""
        # Not `value`, which may be a copy in lower precision.
        version = sum(each._value._version for each in self._variables)
        if version != self._version:
            self._programs.clear()
            self._version = version

    def _is_worth_a_program(self, key: Any) -> bool:
        is_full = len(self._programs) == _MOST_PROGRAMS
        if self._joins:
            if is_full:
                del self._programs[next(iter(self._programs))]
            return True
        self._calls[key] = self._calls.get(key, 0) + 1
        return not is_full and self._calls[key] > _CALLS_BEFORE

    def _trace(self, key: Any, x: Tensor) -> Tensor:
        expected = self._function(x)
        try:
            program = self._make(self._function, x)
            found = program(x)
            largest = float(expected.abs().max())
            off = float((found - expected).abs().max())
            if not off <= _TOLERANCE * largest:
                raise RuntimeError(f"its results are {off:.2g} off")
        except Exception as error:
            # Of torch's many: the function is right, if slower.
            self._fails = True
            logger.warning(
                "The network could not be traced by torch and runs layer by "
                "layer: %s",
                str(error).partition("\n")[0],
            )
            return expected
        self._programs[key] = program
        return found


def _traced(
    function: Callable[[Tensor], Tensor], x: Tensor
) -> Callable[[Tensor], Tensor]:
    import torch

    def traced(x: Tensor) -> Tensor:
        return function(x)

    with warnings.catch_warnings():
        # Sizes become constants, as they should.
        warnings.simplefilter("ignore")
        return torch.jit.trace(traced, x, check_trace=False)


def _may_be_traced(x: Any) -> bool:
    if keras.backend.backend() != "torch":
        return False
    import torch

    return (
        torch.is_tensor(x)
        and x.device.type != "meta"
        and not torch.is_grad_enabled()
        and not torch.jit.is_tracing()
        and not torch.compiler.is_compiling()
    )
