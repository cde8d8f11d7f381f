"""From the name of a preset to a folder and the class of its task."""

import contextlib
import json
import pathlib

import keras

from keras_rsseg.hub.registry import list_presets

_PACKAGE = "package://"
_EMBEDDED = pathlib.Path(__file__).resolve().parents[1] / "presets"


def resolve_preset(preset):
    """Return where a preset lives.

    Args:
        preset: string or path. A registered name, a folder, or a handle
            `"hf://org/name"`.

    Returns:
        string: a folder, or a handle that keras-hub can open.

    Raises:
        ValueError: the preset is none of these.
    """
    preset = str(preset)
    known = list_presets()
    handle = known[preset]["handle"] if preset in known else preset
    if handle.startswith(_PACKAGE):
        return str(_EMBEDDED / handle.removeprefix(_PACKAGE))
    if "://" in handle or pathlib.Path(handle).is_dir():
        return handle
    raise ValueError(
        f"`preset` must be a registered name ({', '.join(sorted(known))}), a "
        "folder that `save_to_preset()` wrote, or a handle hf://org/name. "
        f"Received: preset={preset!r}"
    )


@contextlib.contextmanager
def open_preset(preset):
    """Yield a preset's folder and task class; name it in every error.

    Args:
        preset: as for `resolve_preset()`.

    Yields:
        A pair of the folder or handle, and the registered class that its
        `task.json` names.

    Raises:
        ValueError: the preset is unknown, holds no task of this package, or
            a file of it is damaged. Errors of the block within the `with`
            that come from damaged files are raised as this one, too.
    """
    location = resolve_preset(preset)
    try:
        yield location, _read_task_class(preset, location)
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"`preset` {str(preset)!r} ({location}) could not be read, a file "
            "is missing, truncated or damaged. Save, convert or download it "
            f"again. {type(error).__name__}: {error}"
        ) from error


def _read_task_class(preset, location):
    # keras-hub knows how to fetch single files from a handle.
    from keras_hub.src.utils.preset_utils import TASK_CONFIG_FILE
    from keras_hub.src.utils.preset_utils import check_file_exists
    from keras_hub.src.utils.preset_utils import load_json

    if not check_file_exists(location, TASK_CONFIG_FILE):
        raise ValueError(
            f"`preset` {str(preset)!r} ({location}) holds no task: it has no "
            f"{TASK_CONFIG_FILE}. A task's `save_to_preset()` writes one."
        )
    config = load_json(location, TASK_CONFIG_FILE)
    registered_name = (
        config.get("registered_name") if isinstance(config, dict) else None
    )
    saved_cls = keras.saving.get_registered_object(registered_name)
    if saved_cls is None or not registered_name.startswith("keras_rsseg>"):
        raise ValueError(
            f"`preset` {str(preset)!r} ({location}) holds a task that this "
            f"version of keras_rsseg does not know: {registered_name!r}."
        )
    return saved_cls
