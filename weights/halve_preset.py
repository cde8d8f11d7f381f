"""Store a preset's weights in half precision.

Kernels become float16, which halves the files; vectors (batch norm, biases)
stay float32, since variances can be too small for float16. Keras reads either
and computes by its dtype policy. The `card.json` states the halving; its score
remains that of the old weights until you run the training script, such as
`python -m examples.train_dubai`, with `--score PRESET --update-card`.

    python -m weights.halve_preset runs/hrnet_w18_dubai half/hrnet_w18_dubai

prints how far the logits of one tile differ. `--at-most 25` refuses a copy of
more than 25 MB, the limit for presets in the package.
"""

import os
import pathlib
import shutil
from typing import Annotated
from typing import NamedTuple

import h5py
import keras
import numpy as np
import typer

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.facts import CARD_FILE
from keras_rsseg.hub.facts import read_card
from keras_rsseg.hub.facts import write_card
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import record_sums
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
    with (
        h5py.File(source) as old,
        # Thousands of groups would take a tenth of the file in the old format.
        h5py.File(destination, "w", libver=("v110", "v110")) as new,
    ):
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


class Difference(NamedTuple):
    """How far the logits of two networks differ on a tile.

    Attributes:
        largest: largest absolute difference.
        logits: largest absolute logit, for comparison.
        other_classes: share of the pixels whose class differs.
    """

    largest: float
    logits: float
    other_classes: float


def compare_presets(
    first: str | os.PathLike, second: str | os.PathLike
) -> Difference:
    """Predict one tile with two presets that share bands and classes.

    Args:
        first: path of a folder that `save_to_preset()` wrote.
        second: likewise.
    """
    models = [keras_rsseg.from_preset(folder) for folder in (first, second)]
    bands = models[0].backbone.image_encoder.image_shape[-1]
    tile = _patches(np.random.default_rng(0), bands)
    logits = []
    for model in models:
        # Tracing a graph for a single tile would take far longer.
        model.run_eagerly = keras.backend.backend() == "tensorflow"
        logits.append(model.predict_on_batch(tile))
    old, new = logits
    return Difference(
        float(np.abs(new - old).max()),
        float(np.abs(old).max()),
        float(np.mean(new.argmax(-1) != old.argmax(-1))),
    )


def _patches(rng: np.random.Generator, bands: int) -> np.ndarray:
    """Return a tile of plain, slightly noisy patches, like roofs and fields."""
    patches = rng.integers(30, 226, (1, 16, 16, bands))
    patches = patches.repeat(16, axis=1).repeat(16, axis=2)
    return (patches + rng.integers(-20, 21, patches.shape)).astype("uint8")


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
    at_most: Annotated[
        float | None, typer.Option(help="largest size in megabytes")
    ] = None,
) -> None:
    """Store a preset's weights in half precision."""
    with plain_errors(), preset_folder(destination) as folder:
        before, after = halve_preset(source, folder)
        if at_most is not None and after > at_most * 1e6:
            raise PresetError(
                f"{source}: in half precision it still has {after / 1e6:.1f} "
                f"MB, more than --at-most {at_most:g}. Nothing was written."
            )
        # Encoders have no logits.
        if (source / TASK).is_file():
            found = compare_presets(source, folder)
            print(
                f"largest difference of logits {found.largest:.2g}, of "
                f"logits up to {found.logits:.2g}; "
                f"{found.other_classes:.2%} of the pixels change class"
            )
    print(f"{destination}: {before / 1e6:.1f} MB to {after / 1e6:.1f} MB")


if __name__ == "__main__":
    typer.run(main)
