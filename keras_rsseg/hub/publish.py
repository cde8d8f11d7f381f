"""From a folder to the Hub: checked, with a card, whole or not at all."""

import dataclasses
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.card_pictures import map_picture
from keras_rsseg.hub.card_pictures import swatches
from keras_rsseg.hub.client import Handle
from keras_rsseg.hub.client import explained
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.facts import CARD_FACTS
from keras_rsseg.hub.facts import CARD_FILE
from keras_rsseg.hub.facts import card_content
from keras_rsseg.hub.facts import check_facts
from keras_rsseg.hub.facts import missing_facts
from keras_rsseg.hub.facts import read_card
from keras_rsseg.hub.model_card import model_card
from keras_rsseg.hub.preset_files import is_preset_file
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_folder import open_preset


@dataclasses.dataclass(frozen=True)
class UploadedPreset:
    """The state of the Hub after an upload.

    Attributes:
        handle: string that `from_preset()` takes.
        url: string, the page of the commit.
        commit: string, its id.
        changed: bool, whether anything was sent.
    """

    handle: str
    url: str
    commit: str
    changed: bool


def upload_preset(
    handle: str,
    folder: str | os.PathLike,
    facts: Mapping[str, Any] | None = None,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
) -> UploadedPreset:
    """Publish a preset folder on the Hugging Face Hub.

    The folder is first loaded as a user who downloads it would, and predicts
    a tile. Its model card is written from the preset's own files and the
    facts given here. Then all files appear in one commit, or none does.
    Nothing in the folder is changed, and a README in it is not uploaded. A
    picture `map.png` in it goes on the card.
    Uploading the same preset again does nothing.

    Args:
        handle: string `"hf://org/name"`, or `"hf://org/name@branch"`. The
            repository is created if it does not exist.
        folder: path of a folder that `save_to_preset()` wrote.
        facts: dict of what the card should say. `keras_rsseg.hub.facts`
            lists the facts and what they mean; an error names those that
            are missing. Defaults to the content of the folder's `card.json`.
            An entry of `list_presets()` also works.
        private: bool. Whether only you and your organisation can see a new
            repository.
        revision: string, the branch to upload to, created if it does not
            exist. Defaults to the handle's, else `main`.
        message: string, the commit message.

    Returns:
        `UploadedPreset`.

    Raises:
        PresetError: the folder is not a preset that others could load, its
            card lacks facts, or the Hub refuses; the message says what to do.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    model = keras_rsseg.SemanticFPN(
        keras_rsseg.models.SemanticFPNBackbone(encoder), num_classes=2
    )
    model.save_to_preset("my_preset")
    try:
        keras_rsseg.upload_preset("hf://me/my_preset", "my_preset")
    except keras_rsseg.errors.PresetError as error:
        print(error)  # what my_preset/card.json must state
    ```
    """
    parsed = parse_handle(handle, revision)
    facts = read_facts(folder, facts)
    task = load_checked(folder)
    card = model_card(task, facts, parsed, folder)
    files: dict[str, pathlib.Path | bytes] = {
        path.name: path for path in preset_files(folder)
    }
    files |= swatches(task)
    picture = map_picture(folder)
    if picture is not None:
        files[picture.name] = picture
    files["README.md"] = card.encode()
    files[CARD_FILE] = card_content(facts)
    with explained(parsed, "upload"):
        return _commit(parsed, files, private, message)


def _commit(
    handle: Handle,
    files: Mapping[str, pathlib.Path | bytes],
    private: bool,
    message: str | None,
) -> UploadedPreset:
    import huggingface_hub

    api = huggingface_hub.HfApi()
    name, branch = handle.repository, handle.revision or "main"
    api.create_repo(name, private=private, exist_ok=True)
    if private and not api.repo_info(name).private:
        raise PresetError(
            f"{handle.repository} already exists and is public; "
            "`private=True` is for a new one. Nothing was uploaded. Change "
            "its visibility on its page, or choose another name."
        )
    if branch != "main":
        api.create_branch(name, branch=branch, exist_ok=True)
    before = api.model_info(name, revision=branch)
    # Leftovers, such as shards, would be loaded with the new files.
    stale = [
        entry.rfilename
        for entry in before.siblings or ()
        if is_preset_file(entry.rfilename) and entry.rfilename not in files
    ]
    operations = [
        huggingface_hub.CommitOperationAdd(path, content)
        for path, content in files.items()
    ] + [huggingface_hub.CommitOperationDelete(path) for path in stale]
    commit = api.create_commit(
        name,
        operations,
        commit_message=message or "Upload with keras_rsseg",
        revision=branch,
        parent_commit=before.sha,
    )
    return UploadedPreset(
        str(handle), commit.commit_url, commit.oid, commit.oid != before.sha
    )


def load_checked(folder: str | os.PathLike) -> keras.Model:
    """Load a preset as a user who downloads it would, and predict a tile.

    Args:
        folder: path of the preset.

    Returns:
        The task.

    Raises:
        PresetError: it could not be loaded from the Hub, its logits are not
            finite, or it does not name its bands and classes.
    """
    if not pathlib.Path(folder).is_dir():
        raise PresetError(
            "`folder` must be one that `save_to_preset()` wrote. Received: "
            f"folder={str(folder)!r}"
        )
    with open_preset(folder, trusted=False) as (path, saved_cls):
        task = saved_cls.from_preset(path)
    for name in ("class_names", "bands"):
        if not getattr(task, name):
            raise PresetError(
                f"The preset in {folder} does not say what its {name} are; "
                "nobody could read its maps. Pass them to the task or its "
                "image converter, and save it again."
            )
    # Tracing a graph for a single tile would take far longer.
    task.run_eagerly = keras.backend.backend() == "tensorflow"
    tile = np.random.default_rng(0).integers(
        0, 256, (1, 64, 64, len(task.bands)), "uint8"
    )
    if not np.isfinite(task.predict_on_batch(tile)).all():
        raise PresetError(
            f"The network in {folder} predicts values that are not finite."
        )
    return task


def read_facts(
    folder: str | os.PathLike, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a card states beyond the preset's own files.

    Args:
        folder: path of the preset.
        facts: see `upload_preset()`.

    Returns:
        dict with all facts that a card needs.

    Raises:
        PresetError: a fact is missing, unknown or of the wrong kind, or the
            file cannot be read.
    """
    if facts is None:
        facts = read_card(folder)
    else:
        check_facts(facts, "`facts`")
    missing = missing_facts(facts)
    if missing:
        lines = "\n".join(
            f"  {name}: {CARD_FACTS[name].meaning}" for name in missing
        )
        raise PresetError(
            f"The card of {folder} lacks facts. Add them to the JSON object "
            f"in {pathlib.Path(folder) / CARD_FILE}:\n{lines}"
        )
    return dict(facts)
