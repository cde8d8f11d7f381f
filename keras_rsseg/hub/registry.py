"""The presets that this package knows by name."""

DEFAULT_PRESET = "hrnet_w18_dubai"

_PRESETS = {}


def register_presets(presets):
    """Add presets to the registry.

    Args:
        presets: dict of name to facts. `"handle"` says where the preset
            lives: `"package://folder"` for one that ships with this package,
            or `"hf://org/name"`. The other facts are for people:
            `"description"`, `"task"`, `"dataset"`, `"score"`, `"licence"`,
            `"weights_source"`.

    Raises:
        ValueError: a name is taken, or an entry has no handle.
    """
    for name, facts in presets.items():
        if name in _PRESETS:
            raise ValueError(f"`presets`: the name {name!r} is taken.")
        if "handle" not in facts:
            raise ValueError(f"`presets`: {name!r} has no handle.")
        _PRESETS[name] = facts


def list_presets():
    """Return the registered presets.

    Returns:
        dict of name to a dict of facts, see `register_presets()`.

    Example:

    ```python
    for name, facts in keras_rsseg.list_presets().items():
        print(name, facts["description"])
    ```
    """
    return {name: dict(facts) for name, facts in _PRESETS.items()}
