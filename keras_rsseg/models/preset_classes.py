"""The classes of a task that is loaded from a preset: its own, or others.

A trained head is kept if the number of classes allows it; replacing it is
logged.
"""

import logging
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import PresetError

logger = logging.getLogger(__name__)

_LEGEND = ("class_names", "palette", "display_palette")


def arguments_of(classes: Any) -> dict[str, Any]:
    """Return the arguments of a task for given classes.

    Args:
        classes: a `keras_rsseg.data.Palette`; a data set's facts, or another
            task; a dict of names to colours; or a list of names.

    Returns:
        dict of `num_classes`, `class_names`, `palette` and
        `display_palette`.

    Raises:
        ArgumentError: `classes` is none of these.

    Example:

    ```python
    from keras_rsseg.models.preset_classes import arguments_of

    palette = keras_rsseg.data.Palette(
        [(255, 255, 255), (0, 0, 255)], names=["ground", "roof"]
    )
    arguments_of(palette)["class_names"]  # ["ground", "roof"]
    arguments_of({"ground": (255, 255, 255)})["palette"]  # [(255, 255, 255)]
    arguments_of(["ground", "roof"])["num_classes"]  # 2
    ```
    """
    if hasattr(classes, "colors") and hasattr(classes, "names"):
        legend = (classes.names, classes.colors, None)
    elif hasattr(classes, "class_names") and hasattr(classes, "palette"):
        legend = (
            classes.class_names,
            classes.palette,
            getattr(classes, "display_palette", None),
        )
    elif isinstance(classes, Mapping):
        legend = (list(classes), list(classes.values()), None)
    elif isinstance(classes, str) or not isinstance(classes, Sequence):
        hint = " (give `num_classes`)" if is_integer(classes) else ""
        raise ArgumentError(
            "`classes` must be a Palette, facts of a data set, a dict of names "
            f"to colours, or a list of names{hint}. Received: {classes!r}"
        )
    else:
        legend = (classes, None, None)
    arguments = {
        name: None if value is None else list(value)
        for name, value in zip(_LEGEND, legend, strict=True)
    }
    number = next((len(v) for v in arguments.values() if v is not None), None)
    if not number:
        raise ArgumentError(
            f"`classes` must name at least one class. Received: {classes!r}"
        )
    return {"num_classes": number, **arguments}


def settle_classes(
    saved: Mapping[str, Any], classes: Any, arguments: Mapping[str, Any]
) -> tuple[dict[str, Any], bool]:
    """Return the arguments to load a preset with, and whether to keep its head.

    Args:
        saved: the configuration of the preset's task.
        classes: as for `from_preset()`, or `None`.
        arguments: its other keyword arguments.

    Returns:
        A pair: keyword arguments, which include `num_classes` only if it
        differs from the preset's; and whether the trained head is kept.

    Raises:
        ArgumentError: `classes` and another argument state the same thing.
    """
    settled = dict(arguments)
    if classes is not None:
        twice = [n for n in ("num_classes", *_LEGEND) if n in settled]
        if twice:
            raise ArgumentError(
                f"`classes` states the same as {twice[0]}; omit one of them."
            )
        settled.update(arguments_of(classes))
        if settled["display_palette"] is None:
            del settled["display_palette"]
    if settled.get("num_classes") is None:
        settled.pop("num_classes", None)
        lengths = (settled.get("class_names"), settled.get("palette"))
        number = next((len(v) for v in lengths if v is not None), None)
    else:
        number = settled["num_classes"]
    kept = number is None or number == saved["num_classes"]
    if kept:
        settled.pop("num_classes", None)
        _keep_legend(saved, classes, settled)
    else:
        # Names and colours of other classes would be wrong.
        settled = {**dict.fromkeys(_LEGEND), **settled, "num_classes": number}
    if "palette" in settled:
        settled.setdefault("display_palette", None)
    return settled, kept


def _keep_legend(
    saved: Mapping[str, Any], classes: Any, settled: dict[str, Any]
) -> None:
    """Keep what the preset says about the classes that stay."""
    colors = [tuple(color) for color in saved.get("palette") or ()]
    if classes is not None:
        if settled["palette"] is None:
            del settled["palette"]
        elif settled["class_names"] is None and settled["palette"] == colors:
            del settled["class_names"]
    order = new_order(saved, settled)
    if order:
        for name in ("palette", "display_palette"):
            if name not in settled and saved.get(name):
                settled[name] = [saved[name][index] for index in order]


def new_order(
    saved: Mapping[str, Any], settled: Mapping[str, Any]
) -> list[int] | None:
    """Return the preset's index of each class, if they are reordered.

    Args:
        saved: the configuration of the preset's task.
        settled: the arguments it is loaded with.

    Returns:
        list of indices; `None` if the names are not the preset's own, or are
        in the same order.
    """
    known, names = saved.get("class_names"), settled.get("class_names")
    if not known or not names or list(names) == list(known):
        return None
    if sorted(map(str, names)) != sorted(known):
        return None
    return [known.index(name) for name in names]


def check_tile_size(
    saved_cls: type[Any],
    saved: dict[str, Any],
    arguments: dict[str, Any],
) -> None:
    """Raise if a trained head cannot be kept for tiles of another size.

    Args:
        saved_cls: class of the preset's task.
        saved: dict, its configuration.
        arguments: dict, overrides parts of it.

    Raises:
        PresetError: if the head is bound to the size of tiles.
    """
    shape = arguments.get("image_shape")
    if shape is None or not saved_cls.is_bound_to_size:
        return
    encoder = saved["backbone"]["config"]["image_encoder"]["config"]
    own = tuple(encoder["image_shape"][:2])
    if tuple(shape[:2]) != own:
        raise PresetError(
            f"`image_shape`: the trained head of a {saved_cls.__name__} is "
            f"for the preset's tiles, {own[0]} x {own[1]} pixels. Omit it, or "
            "give `classes` for a new head. Received: "
            f"{tuple(shape)}"
        )


def say_head_is_new(
    preset: str, saved: Mapping[str, Any], settled: Mapping[str, Any]
) -> None:
    """Log in one line that a trained head was replaced.

    Args:
        preset: its name.
        saved: the configuration of its task.
        settled: the arguments it is loaded with.
    """
    known = saved.get("class_names")
    logger.warning(
        "%s: its trained head for %d classes%s is replaced by a random one "
        "for %d. Train it before you map anything.",
        preset,
        saved["num_classes"],
        f" ({', '.join(known)})" if known else "",
        settled["num_classes"],
    )
