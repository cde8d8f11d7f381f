"""Read a checkpoint file into named NumPy arrays without running its code.

A `.pth` file is a pickle, and unpickling can run any program. Files are read
here only with PyTorch's restricted unpickler, which knows tensors and plain
containers; everything else is refused.
"""

import math
import os
import pathlib
import pickle
import re
import tokenize
import warnings
import zipfile
import zlib
from typing import Any

import numpy as np

from keras_rsseg.errors import CheckpointError

State = dict[str, np.ndarray]

SUFFIXES = (".pth", ".pt", ".safetensors", ".npz")
# Keys under which training scripts keep the tensors, beside their own state.
_STATES = ("state_dict", "model")
# Prefix that data-parallel training puts before every name.
_WRAPPER = "module."
# Counts batches for PyTorch's cumulative average, which no network here uses.
_COUNTER = "num_batches_tracked"


# Weights compress to half of their size; some are all zeros.
_UNPACKED = 50
_SLACK = 1 << 26
_MORE = re.compile(r"nsupported (?!operand)|Can only")
_ASKED = re.compile(r"(?:GLOBAL|[Cc]lass|function) ([\w.]*\w\.\w+)")


class _Ignored:
    """Stands for unneeded objects in a pickle, and drops their content.

    Released checkpoints store their score as a NumPy scalar beside the
    tensors, and mmengine its logs as NumPy arrays. They are not needed, so
    NumPy's unpickling functions are not called at all.
    """

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


_IGNORED_GLOBALS: list[Any] = [
    (_Ignored, "numpy.core.multiarray.scalar"),
    (_Ignored, "numpy._core.multiarray.scalar"),
    (_Ignored, "numpy.core.multiarray._reconstruct"),
    (_Ignored, "numpy._core.multiarray._reconstruct"),
    (_Ignored, "numpy.dtype"),
    (_Ignored, "numpy.ndarray"),
    (_Ignored, "mmengine.logging.history_buffer.HistoryBuffer"),
]


def read_checkpoint(path: str | os.PathLike[str]) -> State:
    """Read the tensors of a checkpoint.

    Args:
        path: A `.pth` or `.pt` file (needs torch), a `.safetensors` file
            (needs safetensors), or an `.npz` file with the tensors under
            their original names. A training checkpoint with a `"state_dict"`
            or `"model"` is recognised; its optimizer and counters are
            ignored.

    Returns:
        Dict from name to float32 array. `module.` is stripped from the names
        and `num_batches_tracked` is omitted.

    Raises:
        FileNotFoundError: There is no such file.
        ImportError: The package that reads this kind of file is missing.
        CheckpointError: The file is damaged, holds anything but tensors, or
            has an unknown suffix.

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
    # NumPy does not close a damaged file that it opened itself.
    with path.open("rb") as file:
        try:
            _check_archive(path)
            arrays = np.lib.npyio.NpzFile(file, allow_pickle=False)
            for name in arrays.files:
                _check_header(path, arrays.zip, name)
            return {name: arrays[name] for name in arrays.files}
        except (
            OSError,
            EOFError,
            MemoryError,
            ValueError,
            KeyError,
            RuntimeError,  # for an archive with a password
            NotImplementedError,
            tokenize.TokenError,  # for a damaged header
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            if isinstance(error, CheckpointError):
                raise
            raise _unreadable(path, error) from error


def _check_archive(path: pathlib.Path) -> None:
    """Refuse an archive that unpacks to far more than weights could."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > _UNPACKED * path.stat().st_size + _SLACK:
        raise CheckpointError(
            f"{path} unpacks from {path.stat().st_size:,} to {size:,} bytes, "
            "as no weights do; nothing was read"
        )


def _check_header(
    path: pathlib.Path, archive: zipfile.ZipFile, name: str
) -> None:
    """Refuse an array whose header promises more than its file holds."""
    names = archive.namelist()
    member = f"{name}.npy" if f"{name}.npy" in names else name
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read is None:  # NumPy says so itself
            return
        shape, _, dtype = read(file)
        at = file.tell()
    if dtype.hasobject:  # NumPy says so itself
        return
    promised = math.prod(shape) * dtype.itemsize
    held = archive.getinfo(member).file_size - at
    if any(side < 0 for side in shape) or promised != held:
        raise CheckpointError(
            f"{path}: {name!r} states the shape {shape}, {promised:,} bytes, "
            f"and holds {held:,}"
        )


def _read_safetensors(path: pathlib.Path) -> State:
    try:
        import safetensors
    except ImportError as error:
        raise _missing(path, "safetensors") from error
    try:
        with safetensors.safe_open(path, framework="numpy") as tensors:
            return {name: tensors.get_tensor(name) for name in tensors.keys()}
    except (
        OSError,
        TypeError,
        MemoryError,
        OverflowError,
        safetensors.SafetensorError,
    ) as error:
        raise _unreadable(path, error) from error


def _read_torch(path: pathlib.Path) -> State:
    try:
        import torch
    except ImportError as error:
        raise _missing(path, "torch") from error
    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        with (
            warnings.catch_warnings(),
            torch.serialization.safe_globals(_IGNORED_GLOBALS),
        ):
            # For sparse and quantised tensors, which are refused below.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except pickle.UnpicklingError as error:
        if _MORE.search(str(error)):
            raise CheckpointError(
                f"{path} holds more than tensors and was refused; none of its "
                f"code was run.{_what_else(error)}"
            ) from error
        raise CheckpointError(
            f"{_cannot_be_read(path)}{_what_else(error)}"
        ) from error
    except Exception as error:
        # A damaged pickle fails in as many ways as there are opcodes.
        raise _unreadable(path, error) from error
    return {
        name: _from_torch(path, name, value)
        for name, value in _find_state(path, content).items()
    }


def _find_state(path: pathlib.Path, content: Any) -> dict[str, Any]:
    """Return the dict of tensors in whatever a training script saved."""
    for key in _STATES:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
            break
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path} must hold a dict of tensors, or a dict with a "
            f"'state_dict'. Received a {type(content).__name__}"
        )
    return content


def _from_torch(path: pathlib.Path, name: str, value: Any) -> np.ndarray:
    import torch

    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        raise CheckpointError(
            f"{path}: every entry must be a tensor with a string as name. "
            f"Received {name!r}: {type(value).__name__}"
        )
    layout = str(value.layout).removeprefix("torch.")
    if layout != "strided" or value.is_quantized or value.is_meta:
        raise CheckpointError(
            f"{path}: every tensor must be dense. Received {name!r}: "
            f"{layout}, {value.dtype}, {value.device}"
        )
    if value.is_complex():
        raise CheckpointError(
            f"{path}: every entry must be an array of numbers. Received "
            f"{name!r} with dtype {value.dtype}"
        )
    promised = value.numel() * value.element_size()
    held = value.untyped_storage().nbytes()
    if promised > held:
        raise CheckpointError(
            f"{path}: {name!r} states the shape {tuple(value.shape)}, "
            f"{promised:,} bytes, and holds {held:,}"
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
        f"{_cannot_be_read(path)} Reason: {_first_line(error)}"
    )


def _cannot_be_read(path: pathlib.Path) -> str:
    return (
        f"{path} cannot be read as a {path.suffix} file; it is truncated, "
        "damaged or of another type."
    )


def _what_else(error: Exception) -> str:
    """Return which function a pickle asks for, if PyTorch says.

    The rest of its message advises loading the file unsafely.
    """
    found = _ASKED.search(str(error))
    return f" It asks for {found[1]}." if found else ""


def _missing(path: pathlib.Path, package: str) -> ImportError:
    return ImportError(
        f"reading {path} needs the package {package}: "
        f"`pip install {package}`, or convert the file to .npz elsewhere"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
