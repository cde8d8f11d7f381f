"""Prepare all presets at hand, say which are missing, upload them.

    python -m weights.publish --checkpoints downloads --trained runs \
        --output presets

looks for every name of `keras_rsseg.list_presets()`: in the package, as a
preset folder `runs/NAME` with a `card.json`, or as a checkpoint
`downloads/NAME.pth` (`.pt`, `.safetensors`, `.npz`, or the name of the
released file), which is converted to `presets/NAME`. Each is then checked as
by `keras-rsseg upload`: it loads, predicts, and its card is complete. Nothing
leaves the machine without `--upload`, which sends them to
`hf://ORGANISATION/NAME`. You can repeat it, as only changes are sent.

Presets whose card states no licence that the Hub knows are checked but not
published: their authors have to allow it. `--private` uploads them only for
yourself.
"""

import pathlib
from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.facts import CARD_FILE
from keras_rsseg.hub.registry import ORGANISATION
from keras_rsseg.hub.registry import embedded_folder
from weights.checkpoint import SUFFIXES
from weights.convert import convert
from weights.named_presets import CONVERSIONS


def find(
    name: str,
    facts: dict[str, Any],
    checkpoints: pathlib.Path | None = None,
    trained: pathlib.Path | None = None,
    output: pathlib.Path = pathlib.Path("presets"),
) -> tuple[pathlib.Path, dict[str, Any] | None] | None:
    """Return the folder of a preset, converted if need be.

    Args:
        name: string, a registered name.
        facts: dict, its entry of `keras_rsseg.list_presets()`.
        checkpoints: path of a folder of released checkpoints, or `None`.
        trained: path of a folder of preset folders, or `None`.
        output: path of the folder for converted presets.

    Returns:
        A pair of the folder and the facts of its card (`None` to use its
        `card.json`); or `None` if it is not at hand.

    Raises:
        ValueError: a checkpoint does not fit the preset.
    """
    folder = embedded_folder(facts["handle"])
    if folder is not None:
        return folder, None if (folder / CARD_FILE).is_file() else facts
    for place in (trained, output):
        if place is not None and (place / name / "task.json").is_file():
            return place / name, None
    checkpoint = _checkpoint(checkpoints, name)
    if checkpoint is None or name not in CONVERSIONS:
        return None
    convert(checkpoint, output / name, preset=name)
    return output / name, None


def _checkpoint(folder: pathlib.Path | None, name: str) -> pathlib.Path | None:
    names = [f"{name}{suffix}" for suffix in SUFFIXES]
    if name in CONVERSIONS and CONVERSIONS[name].file is not None:
        names.append(CONVERSIONS[name].file)
    paths = [folder / name for name in names if folder]
    return next((path for path in paths if path.is_file()), None)


def check(folder: pathlib.Path, facts: dict[str, Any] | None = None) -> bool:
    """Check a preset as an upload does.

    Args:
        folder: path of the preset.
        facts: dict for its card, `None` for its `card.json`.

    Returns:
        Whether it can be published, with a licence that the Hub knows.

    Raises:
        PresetError: others could not load it, or its card lacks facts.
    """
    # Registers the classes, which loading a preset needs.
    import keras_rsseg.models  # noqa: F401
    from keras_rsseg.hub.model_card import known_licence
    from keras_rsseg.hub.publish import load_checked
    from keras_rsseg.hub.publish import read_facts

    facts = read_facts(folder, facts)
    load_checked(folder)
    return known_licence(facts["licence"]) is not None


def missing(facts: dict[str, Any]) -> str:
    """Return why a preset is not at hand, and how to get it."""
    commands = facts.get("how_to_get", {})
    if "convert" in commands:
        return f"no checkpoint was given for it; {commands['convert']}"
    return f"it has not been trained; {commands.get('train', '')}"


def publish(
    name: str,
    facts: dict[str, Any],
    places: dict[str, Any],
    organisation: str | None = None,
    private: bool = False,
) -> str:
    """Find, check and upload one preset.

    Args:
        name: string, a registered name.
        facts: dict, its entry of `keras_rsseg.list_presets()`.
        places: dict of the folders that `find()` takes.
        organisation: string, where to upload it; `None` does not upload.
        private: bool, whether only you can see it.

    Returns:
        string, the outcome.

    Raises:
        ValueError: it is at hand but something is wrong with it.
    """
    found = find(name, facts, **places)
    if found is None:
        return f"not at hand: {missing(facts)}"
    folder, card = found
    if not check(folder, card) and not private:
        return f"checked, not published: no licence allows it ({folder})"
    if organisation is None:
        return f"ready: {folder}"
    result = keras_rsseg.upload_preset(
        f"hf://{organisation}/{name}", folder, card, private=private
    )
    return f"{'published' if result.changed else 'unchanged'}: {result.url}"


def main(
    checkpoints: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder of NAME.pth or released files."),
    ] = None,
    trained: Annotated[
        pathlib.Path | None, typer.Option(help="Folder of preset folders.")
    ] = None,
    output: Annotated[
        pathlib.Path, typer.Option(help="Folder for converted presets.")
    ] = pathlib.Path("presets"),
    only: Annotated[
        list[str] | None, typer.Option(help="A name; repeat for more.")
    ] = None,
    organisation: Annotated[
        str, typer.Option(help="Organisation on the Hub.")
    ] = ORGANISATION,
    upload: Annotated[
        bool, typer.Option("--upload", help="Publish after checking.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Only for yourself.")
    ] = False,
) -> None:
    """Prepare all presets at hand, and say which are missing."""
    presets = keras_rsseg.list_presets()
    with plain_errors():
        unknown = sorted(set(only or ()) - set(presets))
        if unknown:
            raise PresetError(f"no presets are named {', '.join(unknown)}")
    places = dict(checkpoints=checkpoints, trained=trained, output=output)
    failed = False
    for name in only or presets:
        try:
            outcome = publish(
                name,
                presets[name],
                places,
                organisation if upload else None,
                private,
            )
        except (ValueError, OSError, ImportError) as error:
            # Go on with the others.
            outcome, failed = f"failed: {error}", True
        typer.echo(f"{name}: {outcome}")
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
