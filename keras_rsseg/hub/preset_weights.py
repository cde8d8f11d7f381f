"""What a preset's weights may be: plain arrays of finite numbers.

HDF5 can do more: link to other files, hold arrays that were never written,
unpack to a thousand times its size. Keras would follow, so the files are read
here first, where an error can name the file.
"""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from keras_rsseg.hub.preset_files import DamagedFileError
from keras_rsseg.hub.preset_files import check_regular
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_files import read_json

BACKBONE_WEIGHTS = "model.weights.h5"
SHARD_LIST = "model.weights.json"
HEAD_WEIGHTS = "task.weights.h5"

# Arrays of a packed file can be at most this many times its size.
_PACKED = 100
_SLACK = 1 << 20
_MANY = 1_000_000


@dataclasses.dataclass
class WeightSizes:
    """How large the arrays of a preset are.

    Attributes:
        arrays: their number.
        largest: the longest side of any array.
    """

    arrays: int = 0
    largest: int = 0


def check_weights(folder: pathlib.Path) -> WeightSizes:
    """Refuse weights that are missing, ambiguous or not plain finite arrays.

    A preset of an encoder has no head, so heads are left to `check_head()`.

    Args:
        folder: path of a preset.

    Returns:
        The `WeightSizes` of all files together.

    Raises:
        DamagedFileError: names the file.
    """
    paths = _backbone_files(folder)
    head = folder / HEAD_WEIGHTS
    if head.exists() or head.is_symlink():
        paths.append(head)
    sizes = WeightSizes()
    for path in paths:
        check_regular(path)
        _check_file(path, sizes)
    return sizes


def check_head(folder: pathlib.Path) -> None:
    """Refuse a preset without the weights of its head.

    Raises:
        DamagedFileError: the file is missing.
    """
    check_regular(folder / HEAD_WEIGHTS)


def _backbone_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the files of the backbone: one, or several shards."""
    shards = {
        path.name
        for path in preset_files(folder)
        if path.name.startswith("model_")
    }
    listed = folder / SHARD_LIST
    if not listed.exists():
        if shards:
            raise DamagedFileError(
                min(shards), f"is a shard that no {SHARD_LIST} lists"
            )
        return [folder / BACKBONE_WEIGHTS]
    if (folder / BACKBONE_WEIGHTS).exists():
        raise DamagedFileError(
            SHARD_LIST, f"is next to {BACKBONE_WEIGHTS}: keep only one"
        )
    named = _named_shards(read_json(listed))
    if named != shards:
        odd = min(named ^ shards)
        reason = (
            f"is missing or not a shard, though {SHARD_LIST} lists it"
            if odd in named
            else f"is a shard that {SHARD_LIST} does not list"
        )
        raise DamagedFileError(odd, reason)
    return [folder / name for name in sorted(named)]


def _named_shards(content: Any) -> set[str]:
    entries = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise DamagedFileError(SHARD_LIST, "has no 'weight_map'")
    named: set[str] = set()
    for value in entries.values():
        for name in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or "/" in name or "\\" in name:
                raise DamagedFileError(SHARD_LIST, f"names {name!r} as a shard")
            named.add(name)
    return named


def _check_file(path: pathlib.Path, sizes: WeightSizes) -> None:
    import h5py

    seen: set[int] = set()
    budget = _PACKED * path.stat().st_size + _SLACK
    try:
        with h5py.File(path, "r") as file:
            stack: list[Any] = [file]
            while stack:
                group = stack.pop()
                for name in group:
                    item = _own_item(path, group, name, seen)
                    if isinstance(item, h5py.Group):
                        stack.append(item)
                    else:
                        budget -= item.size * item.dtype.itemsize
                        _check_array(path, item, budget, sizes)
    except DamagedFileError:
        raise
    # HDF5 reports damage as OSError, RuntimeError, KeyError, ValueError ...
    except Exception as error:
        raise DamagedFileError(
            path.name,
            f"is not a sound HDF5 file: {type(error).__name__}: {error}",
        ) from error


def _own_item(path: pathlib.Path, group: Any, name: str, seen: set[int]) -> Any:
    """Return a member of a group; refuse links and repeated members."""
    import h5py

    # Low-level calls, as there are thousands of arrays.
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise DamagedFileError(
            path.name,
            f"holds a link instead of an array: {group.name}/{name}",
        )
    item = group[name]
    place = h5py.h5o.get_info(item.id).addr
    if place in seen or len(seen) > _MANY:
        raise DamagedFileError(path.name, f"holds {item.name} more than once")
    seen.add(place)
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise DamagedFileError(path.name, f"holds {item.name}, not an array")
    return item


def _check_array(
    path: pathlib.Path, array: Any, budget: int, sizes: WeightSizes
) -> None:
    def refuse(reason: str) -> DamagedFileError:
        return DamagedFileError(path.name, f"holds {array.name}, {reason}")

    import h5py

    dtype, shape, size = array.dtype, array.shape, array.size
    is_brain_float = dtype.kind not in "fiu" and (
        array.attrs.get("dtype") == "bfloat16"
    )
    # Only the states of random generators are integers.
    if dtype.kind != "f" and not is_brain_float:
        if dtype.kind not in "iu" or size > 2:
            raise refuse(f"whose dtype is {dtype}")
    plan = array.id.get_create_plist()
    if (
        plan.get_layout() == h5py.h5d.VIRTUAL
        or plan.get_layout() == h5py.h5d.CONTIGUOUS
        and plan.get_external_count()
    ):
        raise refuse("whose values are in other files")
    if budget < 0:
        raise refuse("which is far larger than the file")
    packed = plan.get_nfilters() > 0
    least = 1 if packed else size * dtype.itemsize
    if size and array.id.get_storage_size() < least:
        raise refuse("which was never written")
    if not np.isfinite(_values(array, is_brain_float)).all():
        raise refuse("whose values are not finite")
    sizes.arrays += 1
    sizes.largest = max(sizes.largest, *shape, 0)


def _values(array: Any, is_brain_float: bool) -> np.ndarray:
    """Return the values as a network uses them."""
    if is_brain_float:
        import ml_dtypes

        return np.array(array, dtype=ml_dtypes.bfloat16).astype("float32")
    values = np.asarray(array[()])
    if values.dtype.itemsize < 8:
        return values
    # Networks hold at most float32.
    with np.errstate(over="ignore"):
        return values.astype("float32")
