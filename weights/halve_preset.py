"""Store a preset's weights in half precision.

Kernels become float16, which halves the files; vectors (batch norm, biases)
stay float32, since variances can be too small for float16. Keras reads either
and computes as its dtype policy says. A `card.json` says so; its score is that
of the old weights until `python -m examples.train_dubai --score --update-card`.

    python -m weights.halve_preset runs/hrnet_w18_dubai half/hrnet_w18_dubai
"""

import os
import pathlib
import shutil
from typing import Annotated

import h5py
import numpy as np
import typer

from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.facts import CARD_FILE
from keras_rsseg.hub.facts import read_card
from keras_rsseg.hub.facts import write_card
from keras_rsseg.hub.preset_sums import record_sums
from weights.convert import preset_folder


def halve_weights(
    source: str | os.PathLike, destination: str | os.PathLike
) -> None:
    """Copy a weights file, its kernels in float16.

    Args:
        source: path of a Keras `.weights.h5` file.
        destination: path of the file to write.

    Raises:
        PresetError: a kernel has a value that float16 cannot hold.
    """
    with h5py.File(source) as old, h5py.File(destination, "w") as new:
        _copy_group(old, new)


def halve_preset(
    source: str | os.PathLike, destination: str | os.PathLike
) -> tuple[int, int]:
    """Copy a preset folder, the kernels of its weights in float16.

    Args:
        source: path of a folder that `save_to_preset()` wrote.
        destination: path of the folder to write.

    Returns:
        A pair: bytes before and after.
    """
    source, destination = pathlib.Path(source), pathlib.Path(destination)
    for path in sorted(source.iterdir()):
        if path.name.endswith(".weights.h5"):
            halve_weights(path, destination / path.name)
        elif path.name == CARD_FILE:
            facts = read_card(source)
            facts["weights_source"] += " Kernels are stored in half precision."
            write_card(destination, facts)
        else:
            shutil.copyfile(path, destination / path.name)
    record_sums(destination)
    return _size(source), _size(destination)


def _copy_group(old: h5py.Group, new: h5py.Group) -> None:
    for key, value in old.attrs.items():
        new.attrs[key] = value
    for name, item in old.items():
        if isinstance(item, h5py.Group):
            _copy_group(item, new.create_group(name))
        else:
            new.create_dataset(name, data=_halve(item[()], item.name))


def _halve(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype != np.float32 or values.ndim < 2:
        return values
    largest = np.abs(values).max(initial=0)
    if not largest <= np.finfo(np.float16).max:
        raise PresetError(
            f"{name}: float16 holds magnitudes up to 65504. Received: {largest}"
        )
    return values.astype(np.float16)


def _size(folder: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def main(
    source: Annotated[pathlib.Path, typer.Argument(help="preset folder")],
    destination: Annotated[pathlib.Path, typer.Argument(help="new folder")],
) -> None:
    """Store a preset's weights in half precision."""
    with plain_errors(), preset_folder(destination) as folder:
        before, after = halve_preset(source, folder)
    print(f"{destination}: {before / 1e6:.1f} MB to {after / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
