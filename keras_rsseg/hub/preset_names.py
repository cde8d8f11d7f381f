"""What users write for a preset: names, folders, handles, and near misses."""

import difflib
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import TASK

_REPOSITORY = r"(?P<repository>[\w.-]+/[\w.-]+)"
_PAGE = re.compile(
    rf"(https?://)?(www\.)?(huggingface\.co|hf\.co)/{_REPOSITORY}"
    r"(/(tree|blob|commit|resolve)/(?P<revision>[^/?#]+)[^?#]*)?/*([?#].*)?",
    re.ASCII,
)
_OTHER_PAGES = ("datasets", "spaces", "collections", "docs", "papers")
_NEARLY_A_HANDLE = re.compile(
    rf"((hf|huggingface):/*)?{_REPOSITORY}/?(@(?P<revision>[^@/]+))?",
    re.ASCII | re.IGNORECASE,
)


def as_written(preset: Any) -> str:
    """Return what a user gave for a preset as a string.

    Args:
        preset: a string or a path. The address of a page on the Hub becomes
            the handle of the preset it shows.

    Raises:
        PresetError: it is not a string, is empty, or has several lines.

    Example:

    ```python
    from keras_rsseg.hub.preset_names import as_written

    as_written("https://huggingface.co/org/name/tree/v2")  # "hf://org/name@v2"
    ```
    """
    text = os.fspath(preset) if isinstance(preset, os.PathLike) else preset
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise PresetError(
            "`preset` must be a name, a folder or a handle hf://org/name, on "
            f"one line. Received: preset={preset!r}"
        )
    page = _PAGE.fullmatch(text.strip())
    if page is None or page["repository"].split("/")[0] in _OTHER_PAGES:
        return text
    revision = f"@{page['revision']}" if page["revision"] else ""
    return f"hf://{page['repository']}{revision}"


def local_folder(preset: str) -> pathlib.Path | None:
    """Return the folder that a string names, or `None`.

    Args:
        preset: a path; `~` is expanded.
    """
    path = pathlib.Path(preset)
    try:
        path = path.expanduser()
    except RuntimeError:  # no such user
        return None
    return path if path.is_dir() else None


def nearest_names(preset: str, names: Iterable[str]) -> list[str]:
    """Return the names that are most like a string, ignoring case.

    Args:
        preset: what was given.
        names: the existing names.

    Example:

    ```python
    from keras_rsseg.hub.preset_names import nearest_names

    nearest_names("HRNet-W18 Dubi", ["hrnet_w18_dubai", "x"])
    # ["hrnet_w18_dubai"]
    ```
    """
    plain = {_plain(name): name for name in names}
    written = _plain(preset)
    if written in plain:
        return [plain[written]]
    return [plain[each] for each in difflib.get_close_matches(written, plain)]


def what_was_meant(preset: str, names: Iterable[str]) -> str:
    """Return a question that names what the user may have meant, or `""`.

    Args:
        preset: a string that is not a preset.
        names: names of the registered presets.
    """
    path = pathlib.Path(os.path.expanduser(preset))
    if path.is_file() and path.suffix in (".keras", ".h5", ".hdf5", ".json"):
        if (path.parent / TASK).is_file():
            return (
                f". This is a file of a preset: give its folder, {path.parent}"
            )
        return (
            ". This is a file, and a preset is a folder. To load a model that "
            "`model.save()` wrote, use keras.saving.load_model()"
        )
    meant = nearest_names(preset.rstrip("/"), names)
    handle = _NEARLY_A_HANDLE.fullmatch(preset)
    if not meant and path.parent.is_dir():
        meant = [
            str(path.parent / name)
            for name in nearest_names(path.name, presets_within(path.parent))
        ]
    if not meant and handle and not preset.startswith("."):
        revision = f"@{handle['revision']}" if handle["revision"] else ""
        meant = [f"hf://{handle['repository']}{revision}"]
    return f". Did you mean {' or '.join(meant)}?" if meant else ""


def presets_within(folder: pathlib.Path) -> list[str]:
    """Return the names of the presets in a folder."""
    try:
        return sorted(
            path.name for path in folder.iterdir() if (path / TASK).is_file()
        )
    except OSError:
        return []


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")
