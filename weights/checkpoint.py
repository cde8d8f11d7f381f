"""Read a checkpoint file into named NumPy arrays without running its code.

A `.pth` file is a pickle, and unpickling can run any program. Files are read
here with PyTorch's restricted unpickler only, which knows tensors and plain
containers; everything else is refused.
"""

import os
import pathlib
import pickle
import zipfile
import zlib
from typing import Any

import numpy as np

from keras_rsseg.errors import CheckpointError

State = dict[str, np.ndarray]

SUFFIXES = (".pth", ".pt", ".safetensors", ".npz")
# What data-parallel training puts before every name.
_WRAPPER = "module."
# Counts batches for PyTorch's cumulative average, which no network here uses.
_COUNTER = "num_batches_tracked"


class _Ignored:
    """Stands for a NumPy scalar in a pickle, and drops what it is given.

    Released checkpoints store their score as a NumPy scalar beside the
    tensors. It is not needed, so NumPy's unpickling functions are not called
    at all.
    """

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


_IGNORED_GLOBALS: list[Any] = [
    (_Ignored, "numpy.core.multiarray.scalar"),
    (_Ignored, "numpy._core.multiarray.scalar"),
    (_Ignored, "numpy.dtype"),
]


def read_checkpoint(path: str | os.PathLike[str]) -> State:
    """Read the tensors of a checkpoint.

    Args:
        path: A `.pth` or `.pt` file (needs torch), a `.safetensors` file
            (needs safetensors), or an `.npz` file with the tensors under
            their original names. A training checkpoint with a `"state_dict"`
            is recognised; its optimizer and counters are left alone.

    Returns:
        Dict from name to float32 array. `module.` is stripped from the names
        and `num_batches_tracked` is left out.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: The package that reads this kind of file is missing.
        CheckpointError: The file is damaged, holds something else than
            tensors, or has a suffix that is not known.

    Example:

    ```python
    np.savez("a.npz", weight=np.ones((64, 128, 1, 1)))
    read_checkpoint("a.npz")["weight"].shape  # (64, 128, 1, 1)
    ```
    """
    path = pathlib.Path(path)
    if path.suffix not in SUFFIXES:
        raise CheckpointError(
            f"{path}: a checkpoint must be one of {', '.join(SUFFIXES)}. "
            f"Received the suffix {path.suffix!r}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint file {path}")
    if path.suffix == ".npz":
        tensors = _read_npz(path)
    elif path.suffix == ".safetensors":
        tensors = _read_safetensors(path)
    else:
        tensors = _read_torch(path)
    return _clean(path, tensors)


def _read_npz(path: pathlib.Path) -> State:
    # NumPy leaves a file that it opened itself open when it is damaged.
    with path.open("rb") as file:
        try:
            arrays = np.lib.npyio.NpzFile(file, allow_pickle=False)
            return {name: arrays[name] for name in arrays.files}
        except (
            OSError,
            EOFError,
            ValueError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise _unreadable(path, error) from error


def _read_safetensors(path: pathlib.Path) -> State:
    try:
        import safetensors
    except ImportError as error:
        raise _missing(path, "safetensors") from error
    try:
        with safetensors.safe_open(path, framework="numpy") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}
    except (OSError, TypeError, safetensors.SafetensorError) as error:
        raise _unreadable(path, error) from error


def _read_torch(path: pathlib.Path) -> State:
    try:
        import torch
    except ImportError as error:
        raise _missing(path, "torch") from error
    try:
        with torch.serialization.safe_globals(_IGNORED_GLOBALS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "nsupported" in str(error) or "Can only" in str(error):
            raise CheckpointError(
                f"{path} holds more than tensors and was refused; nothing of "
                f"it was run. Reason: {_first_line(error)}"
            ) from error
        raise _unreadable(path, error) from error
    except Exception as error:
        # A damaged pickle fails in as many ways as there are opcodes.
        raise _unreadable(path, error) from error
    return {
        name: _from_torch(path, name, value)
        for name, value in _find_state(path, content).items()
    }


def _find_state(path: pathlib.Path, content: Any) -> dict[str, Any]:
    """Return the dict of tensors of whatever a training script saved."""
    if isinstance(content, dict) and isinstance(
        content.get("state_dict"), dict
    ):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path} must hold a dict of tensors, or a dict with a "
            f"'state_dict'. Received a {type(content).__name__}"
        )
    return content


def _from_torch(path: pathlib.Path, name: str, value: Any) -> np.ndarray:
    import torch

    if not isinstance(value, torch.Tensor):
        raise CheckpointError(
            f"{path}: every entry must be a tensor. Received "
            f"{name!r}: {type(value).__name__}"
        )
    return value.detach().to(torch.float32).numpy()


def _clean(path: pathlib.Path, tensors: State) -> State:
    state = {}
    for name, value in tensors.items():
        name = name.removeprefix(_WRAPPER)
        if name.rpartition(".")[2] == _COUNTER:
            continue
        if value.dtype.kind not in "fiu" and value.dtype.name != "bfloat16":
            raise CheckpointError(
                f"{path}: every entry must be an array of numbers. Received "
                f"{name!r} with dtype {value.dtype}"
            )
        if name in state:
            raise CheckpointError(
                f"{path} holds {name!r} twice, with and without {_WRAPPER!r}"
            )
        state[name] = np.asarray(value, np.float32)
    if not state:
        raise CheckpointError(f"{path} holds no tensors")
    return state


def _unreadable(path: pathlib.Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read as a {path.suffix} file; it is truncated, "
        f"damaged or of another kind. Reason: {_first_line(error)}"
    )


def _missing(path: pathlib.Path, package: str) -> ImportError:
    return ImportError(
        f"reading {path} needs the package {package}: "
        f"`pip install {package}`, or convert the file to .npz elsewhere"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
