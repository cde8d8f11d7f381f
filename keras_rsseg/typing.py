"""Names for the types of arguments that the whole package shares.

A tensor's class depends on the backend, and Keras comes without annotations,
so a type checker sees `Tensor` as `Any`: the name is there for the reader.
"""

import os
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import TypeAlias

# A tensor of the backend in use, or a symbolic one of Keras while a model is
# built. Where a docstring says so, a NumPy array as well.
Tensor: TypeAlias = Any

# What `keras.dtype_policies.get()` takes: a name, a policy, or `None`.
DType: TypeAlias = Any

# Ints with the batch dimension, `None` where a size is unknown. `Any`, as most
# computations with shapes hold only for known sizes.
Shape: TypeAlias = tuple[Any, ...]

# Height and width, as scalar integer tensors where they are unknown.
Size: TypeAlias = Sequence[int | Tensor]

DataFormat: TypeAlias = Literal["channels_last", "channels_first"]

Interpolation: TypeAlias = Literal["bilinear", "nearest"]

PathLike: TypeAlias = str | os.PathLike[str]

# Red, green and blue, 0 to 255.
Color: TypeAlias = tuple[int, int, int]

# What `get_config()` returns.
Config: TypeAlias = dict[str, Any]
