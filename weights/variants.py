"""The networks of all systems whose checkpoints can be converted."""

import difflib
import importlib
import importlib.util

from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.errors import ArgumentError
from keras_rsseg.systems import SYSTEMS


def variants() -> dict[str, Variant]:
    """Return the variants that encoders and systems list, by name."""
    modules = [
        "keras_rsseg.encoders.checkpoint",
        *(
            f"keras_rsseg.models.{folder}.checkpoint"
            for folder in SYSTEMS.values()
        ),
    ]
    found: dict[str, Variant] = {}
    for module in modules:
        # Not every system has released checkpoints.
        if importlib.util.find_spec(module):
            found.update(importlib.import_module(module).VARIANTS)
    return found


def find_variant(name: str, presets: tuple[str, ...] = ()) -> Variant:
    """Return a variant by its name.

    Args:
        name: what was given.
        presets: names of presets, which a user may have meant.

    Raises:
        ArgumentError: there is no such variant. The message lists similar
            names, or all of them.
    """
    known = variants()
    if name not in known:
        near = difflib.get_close_matches(name, [*known, *presets])
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else f"It must be one of {', '.join(known)}, or a preset."
        )
        raise ArgumentError(f"`variant`: there is no {name!r}. {hint}")
    return known[name]
