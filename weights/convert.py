"""What every converter does around the transfer: check, compare, save."""

import contextlib
import os
import pathlib
import shutil
import tempfile

import numpy as np
import typer

from weights.checkpoint import read_checkpoint
from weights.transfer import transfer

# Of the largest magnitude. Rounding stays near 1e-6, and the smallest mistake
# that the networks allow (corners aligned or not) is far above.
TOLERANCE = 1e-3


@contextlib.contextmanager
def preset_folder(output):
    """Give a folder to write a preset into, which appears whole or not at all.

    Args:
        output: Path of the preset. Must not exist, or be an empty folder.

    Yields:
        A new folder beside it, which takes its name at the end.

    Raises:
        FileExistsError: Something is there already.
        OSError: The place cannot be written.
    """
    output = pathlib.Path(output)
    if output.is_file() or (output.is_dir() and any(output.iterdir())):
        raise FileExistsError(f"{output} exists already and is not empty")
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent)
    try:
        yield folder
        # Temporary folders are private, presets are for sharing.
        os.chmod(folder, 0o755)
        os.replace(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def explain_errors():
    """Turn the errors that a user can mend into a message and exit code 1."""
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def compare(model, reference):
    """Compare a model with outputs of the network it was converted from.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        reference: Path of an `.npz` with `x`, a normalised input `(batch,
            bands, height, width)`, and `main_out`, the logits at the size of
            the input, or `head_logits`, those at the size of the head.

    Returns:
        Dict from the name of an output to the largest difference, relative to
        the largest magnitude.

    Raises:
        ValueError: The file cannot be read, lacks these arrays, or their
            shapes are wrong.
    """
    import keras

    arrays = read_checkpoint(reference)
    expected = {k: arrays[k] for k in _OUTPUTS if k in arrays}
    if "x" not in arrays or not expected:
        raise ValueError(
            f"{reference} must hold x and one of {', '.join(_OUTPUTS)}. "
            f"Received: {', '.join(arrays)}"
        )
    tiles = arrays["x"].transpose(0, 2, 3, 1)
    differences = {}
    for name, value in expected.items():
        actual = keras.ops.convert_to_numpy(_OUTPUTS[name](model, tiles))
        value = value.transpose(0, 2, 3, 1)
        if actual.shape != value.shape:
            raise ValueError(
                f"{reference}: {name} must have the shape {actual.shape} "
                f"(channels last). Received: {value.shape}"
            )
        difference = np.abs(actual - value).max() / np.abs(value).max()
        differences[name] = float(difference)
    return differences


def _head_logits(model, tiles):
    features = model.backbone(tiles, training=False)["features"]
    return model.classifier(features)


_OUTPUTS = {
    "main_out": lambda model, tiles: model(tiles, training=False),
    "head_logits": _head_logits,
}


def fill_and_save(
    model,
    state,
    name_of,
    output,
    reference=None,
    finish=None,
    is_new=None,
):
    """Give a model a checkpoint's weights, and save it as a preset.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        state: Dict from name to array.
        name_of: As for `weights.transfer.transfer()`.
        output: Path of the preset folder.
        reference: Path of a reference output, see `compare()`, or `None`.
        finish: Function of the folder that adds to it before it appears under
            its name, or `None`.
        is_new: As for `weights.transfer.transfer()`.

    Raises:
        ValueError: The checkpoint does not fit to the last tensor, or the
            outputs differ; nothing was written.
    """
    count = transfer(model, state, name_of, is_new)
    typer.echo(f"{count} tensors assigned, none missing, none unused")
    _save(model, output, reference, finish)


def _save(model, output, reference, finish):
    with preset_folder(output) as folder:
        if reference is not None:
            differences = compare(model, reference)
            for name, value in differences.items():
                typer.echo(
                    f"{name}: largest difference {value:.3g} of the largest "
                    "magnitude"
                )
            # Not `>`: a NaN is no agreement either.
            if not max(differences.values()) <= TOLERANCE:
                raise ValueError(
                    f"the outputs differ from {reference} by more than "
                    f"{TOLERANCE}; nothing was written"
                )
        model.save_to_preset(folder)
        if finish is not None:
            finish(folder)
    typer.echo(f"{output}: {model.count_params():,} parameters")
