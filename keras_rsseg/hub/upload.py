"""From a folder to the Hub."""

import dataclasses
import json

from keras_rsseg.hub.handle import parse_handle
from keras_rsseg.hub.hub_errors import explained
from keras_rsseg.hub.model_card import model_card
from keras_rsseg.hub.preset_check import CARD_FACTS
from keras_rsseg.hub.preset_check import load_checked
from keras_rsseg.hub.preset_check import read_facts
from keras_rsseg.hub.preset_error import PresetError
from keras_rsseg.hub.preset_files import CARD_FILE
from keras_rsseg.hub.preset_files import is_preset_file
from keras_rsseg.hub.preset_files import preset_files


@dataclasses.dataclass(frozen=True)
class UploadedPreset:
    """What is on the Hub now.

    Attributes:
        handle: string that `from_preset()` takes.
        url: string, the page of the commit.
        commit: string, its id.
        changed: bool, whether anything had to be sent.
    """

    handle: str
    url: str
    commit: str
    changed: bool


def upload_preset(
    handle, folder, facts=None, *, private=False, revision=None, message=None
):
    """Publish a preset folder on the Hugging Face Hub.

    The folder is first loaded as those will who download it, and predicts a
    tile. Its model card is written from what the preset holds and from the
    facts that it cannot hold. Then all files appear in one commit, or none
    does. Nothing in the folder is changed, and a README in it stays there.
    Uploading the same again does nothing.

    Args:
        handle: string `"hf://org/name"`, or `"hf://org/name@branch"`. The
            repository is made if there is none.
        folder: path of a folder that `save_to_preset()` wrote.
        facts: dict of what the card should say: `"description"`,
            `"dataset"`, `"protocol"`, `"score"`, `"licence"`,
            `"weights_source"`, `"training"`, `"intended_use"`, `"limits"`,
            and, as far as they are known, `"paper_score"`, `"gmacs"`,
            `"ground_sample_distances"`, `"training_details"` and `"notes"`
            (Markdown), see `keras_rsseg.hub.preset_check`. Defaults to what
            the folder's `card.json` holds. An entry of `list_presets()` has
            these names, too.
        private: bool. Whether only you and your organisation may see a new
            repository.
        revision: string, the branch to upload to, made if there is none.
            Defaults to the handle's, else `main`.
        message: string, the commit's message.

    Returns:
        `UploadedPreset`.

    Raises:
        ValueError: the folder is no preset that others could load, its card
            lacks facts, or the Hub refuses; says what to do.

    Example:

    ```python
    model.save_to_preset("my_preset")  # beside it, write card.json
    keras_rsseg.upload_preset("hf://me/my_preset", "my_preset")
    ```
    """
    handle = parse_handle(handle, revision)
    facts = read_facts(folder, facts)
    task = load_checked(folder)
    card = model_card(task, facts, handle, folder)
    files = {path.name: path for path in preset_files(folder)}
    files["README.md"] = card.encode()
    facts = {name: facts[name] for name in CARD_FACTS if name in facts}
    files[CARD_FILE] = (json.dumps(facts, indent=4) + "\n").encode()
    with explained(handle, "upload"):
        return _commit(handle, files, private, message)


def _commit(handle, files, private, message):
    import huggingface_hub

    api = huggingface_hub.HfApi()
    name, branch = handle.repository, handle.revision or "main"
    api.create_repo(name, private=private, exist_ok=True)
    if private and not api.repo_info(name).private:
        raise PresetError(
            f"{handle.repository} is there already and everyone can see it, "
            "`private=True` is for a new one. Nothing was uploaded. Change "
            "its visibility on its page, or choose another name."
        )
    if branch != "main":
        api.create_branch(name, branch=branch, exist_ok=True)
    before = api.repo_info(name, revision=branch)
    # Left-overs, such as shards, would be loaded with the new files.
    stale = [
        entry.rfilename
        for entry in before.siblings
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
