"""Convert a checkpoint to a preset folder.

    python -m weights.convert --variant pfnet_r50 --num-classes 5 \
        --checkpoint mine.pth --output mine

`--variant` is the network of the checkpoint, or a preset's name: `--variant
pfnet_r50_isaid` needs no `--num-classes`, and writes that preset's classes,
palette, bands and card. `keras_rsseg/models/*/checkpoint.py` and
`keras_rsseg/encoders/checkpoint.py` describe each variant, and state the source
and licence of its checkpoints.

    python -m weights.convert --variant hrnet_w18 --num-classes 19 \
        --align-corners --checkpoint hrnet_w18.pth --output hrnet_w18_preset

    python -m weights.convert --variant resnet50_imagenet \
        --checkpoint resnet50_imagenet_notop.npz --output resnet50_preset

A checkpoint is read without running its code, and must fit the network to the
last tensor. With `--reference FILE.npz` the outputs are compared with those of
the original network.
"""

import contextlib
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from keras_rsseg.checks import check_choice
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import CheckpointError
from weights.checkpoint import read_checkpoint
from weights.named_presets import CONVERSIONS
from weights.named_presets import legend_of
from weights.named_presets import write_card

if TYPE_CHECKING:
    from keras_rsseg.encoders.checkpoint_variant import Variant

# Relative to the largest magnitude. Rounding stays near 1e-6, and the smallest
# possible mistake (corners aligned or not) is far above.
TOLERANCE = 1e-3


@contextlib.contextmanager
def preset_folder(output: str | os.PathLike[str]) -> Iterator[str]:
    """Yield a folder to write a preset into, whole or not at all.

    Args:
        output: path of the preset, a new or an empty folder.

    Yields:
        A new folder beside it, which gets its name at the end.

    Raises:
        FileExistsError: `output` exists and is not empty.
        OSError: the location cannot be written.
    """
    output = pathlib.Path(output)
    if output.is_file() or (output.is_dir() and any(output.iterdir())):
        raise FileExistsError(f"{output} already exists and is not empty")
    output.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent)
    try:
        yield folder
        # Temporary folders are private; presets are for sharing.
        os.chmod(folder, 0o755)
        os.replace(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def convert(
    checkpoint: str | os.PathLike[str],
    output: str | os.PathLike[str],
    variant: str | None = None,
    *,
    preset: str | None = None,
    num_classes: int | None = None,
    reference: str | os.PathLike[str] | None = None,
    **options: Any,
) -> None:
    """Convert a checkpoint to a preset folder.

    Args:
        checkpoint: path, see `weights.checkpoint.read_checkpoint()`.
        output: path of the preset folder.
        variant: name of a network, see `weights.variants`, or of a preset.
        preset: name of a preset, see `weights.named_presets`: it sets the
            variant and its options, classes, bands and card.
        num_classes: number of classes; not for a preset or an encoder.
        reference: path of a reference output, see
            `weights.reference.compare()`.
        **options: options of the variant, and arguments of the task, such as
            `class_names`. `None` is the default.

    Raises:
        ArgumentError: there is no such variant, or arguments do not suit it.
        CheckpointError: the checkpoint cannot be read, does not fit to the
            last tensor, or the outputs differ; nothing was written.
    """
    # Keras takes seconds to import; `--help` need not wait for it.
    from weights.transfer import transfer
    from weights.variants import find_variant

    variant, preset, given = arguments_of(
        variant, preset, num_classes=num_classes, **options
    )
    network = find_variant(variant, tuple(CONVERSIONS))
    if reference is not None and network.task is None:
        raise ArgumentError(f"{variant} is an encoder: it has no `reference`.")
    _check_options(variant, network, given)

    tensors = read_checkpoint(checkpoint)
    state = network.prepare(tensors)
    model = network.build(**given)
    count = transfer(model, state, network.name_of, network.is_new)
    typer.echo(f"{count} tensors assigned, none missing, none unused")
    with preset_folder(output) as folder:
        if network.compare is not None:
            typer.echo(network.compare(model, tensors))
        if reference is not None:
            _check_outputs(model, reference)
        model.save_to_preset(folder)
        if preset is not None:
            write_card(preset, folder, checkpoint)
    typer.echo(f"{output}: {model.count_params():,} parameters")


def arguments_of(
    variant: str | None, preset: str | None, **options: Any
) -> tuple[str, str | None, dict[str, Any]]:
    """Return the network that a conversion builds.

    Args:
        variant: name of a network or of a preset, or `None`.
        preset: name of a preset, or `None`.
        **options: as for `convert()`; a preset's own if they are `None`.

    Returns:
        Names of variant and preset, and the arguments of the variant's
        `build()`.

    Raises:
        ArgumentError: there is no such preset, or too few or too many
            arguments were given.
    """
    given = {key: value for key, value in options.items() if value is not None}
    if preset is None and variant in CONVERSIONS:
        preset, variant = variant, None
    if preset is None:
        if variant is None:
            raise ArgumentError("give `preset`, or `variant`.")
        return variant, None, given
    if variant is not None or "num_classes" in given:
        raise ArgumentError(
            "a preset sets `variant` and `num_classes`; omit them. "
            f"Received: preset={preset}, variant={variant}, "
            f"num_classes={given.get('num_classes')}"
        )
    check_choice("preset", preset, CONVERSIONS)
    made, legend = CONVERSIONS[preset], legend_of(preset)
    classes = len(legend["class_names"])
    arguments = {"num_classes": classes, **made.options, **given, **legend}
    return made.variant, preset, arguments


def _check_options(
    name: str, network: "Variant", given: dict[str, Any]
) -> None:
    """Refuse missing or unsuitable options before anything is read."""
    from weights.variants import variants

    if network.task is not None and "num_classes" not in given:
        raise ArgumentError(f"`num_classes` must be given for {name}.")
    for key in network.required:
        if key not in given:
            flag = key.replace("_", "-")
            raise ArgumentError(
                f"`{key}` must be given, as checkpoints do not state it: "
                f"--{flag} or --no-{flag}."
            )
    known = variants()
    for key in given:
        users = [other for other in known if key in known[other].options]
        if users and name not in users:
            raise ArgumentError(
                f"`{key}` is for {', '.join(users)}. Received: {name}"
            )
        if network.task is None and not users:
            raise ArgumentError(f"{name} is an encoder: it has no `{key}`.")


def _check_outputs(model: Any, reference: str | os.PathLike[str]) -> None:
    from weights.reference import compare

    differences = compare(model, reference)
    for name, value in differences.items():
        typer.echo(
            f"{name}: largest difference {value:.3g} of the largest magnitude"
        )
    # Not `>`: NaN does not count as agreement.
    if not max(differences.values()) <= TOLERANCE:
        raise CheckpointError(
            f"the outputs differ from {reference} by more than "
            f"{TOLERANCE}; nothing was written"
        )


def main(
    checkpoint: Annotated[
        pathlib.Path, typer.Option(help="A .pth, .safetensors or .npz file.")
    ],
    output: Annotated[pathlib.Path, typer.Option(help="Preset folder.")],
    variant: Annotated[
        str | None,
        typer.Option(help="Network of the checkpoint, or name of a preset."),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="A name of `keras-rsseg presets`.")
    ] = None,
    num_classes: Annotated[
        int | None,
        typer.Option(min=1, max=255, help="Not for presets or encoders."),
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(help="Names of the classes: road,roof,tree")
    ] = None,
    align_corners: Annotated[
        bool | None, typer.Option(help="HRNet: as in its training.")
    ] = None,
    fusion: Annotated[
        str | None,
        typer.Option(
            help="HRNet: bilinear, or ifwm, sf, lsf, rifw, whose flows start "
            "at zero."
        ),
    ] = None,
    max_pool_size: Annotated[
        int | None,
        typer.Option(min=1, help="PFNet: side of the grid of salient points."),
    ] = None,
    reference: Annotated[
        pathlib.Path | None,
        typer.Option(help="An .npz with x and main_out or head_logits, NCHW."),
    ] = None,
) -> None:
    """Convert a checkpoint to a preset folder."""
    with plain_errors():
        convert(
            checkpoint,
            output,
            variant,
            preset=preset,
            num_classes=num_classes,
            class_names=class_names and class_names.split(","),
            align_corners=align_corners,
            fusion=fusion,
            max_pool_size=max_pool_size,
            reference=reference,
        )


if __name__ == "__main__":
    typer.run(main)
