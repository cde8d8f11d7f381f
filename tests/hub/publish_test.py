"""Uploads are what others load; failures say what to do."""

import json
import re
import shutil

import numpy as np
import pytest

from keras_rsseg.hub.publish import load_checked
from tests.hub.client import ClientError
from tests.hub.local_hub import Fault
from tests.hub.tiny_preset import FACTS
from tests.hub.tiny_preset import make_task

HANDLE = "hf://me/tiny"


def snapshot(folder):
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }


def refused(client, folder, handle=HANDLE, **arguments):
    """Return the message of an upload that must fail."""
    arguments.setdefault("facts", FACTS)
    with pytest.raises(ClientError) as error:
        client.call("upload", handle=handle, folder=folder, **arguments)
    assert error.value.kind == "PresetError"
    return str(error.value)


@pytest.fixture(scope="module")
def expected(_session, preset):
    """The preset's outputs before its upload."""
    return _session[1].call("load", preset=preset)


@pytest.mark.parametrize("mode", ["inline", "lfs", "xet"])
def test_round_trip_is_exact_and_can_be_repeated(
    hub, client, preset, expected, mode
):
    hub.mode = mode
    client.call(
        "configure", token="hf_me", cache=client.cache, xet=mode == "xet"
    )
    before = snapshot(preset)
    arguments = {"handle": HANDLE, "folder": preset, "facts": FACTS}
    first = client.call("upload", **arguments)
    assert first["changed"] and first["handle"] == HANDLE
    weights = hub.files("me/tiny")["model.weights.h5"]
    sent = [path for method, path in hub.requests if method == "PUT"]
    assert bool(sent) == (mode == "lfs") and weights.large == (mode != "inline")
    assert (weights.sha256 in hub.storage.xet_hashes()) == (mode == "xet")
    again = client.call("upload", **arguments)
    assert not again["changed"] and again["commit"] == first["commit"]
    assert snapshot(preset) == before
    loaded = client.call("load", preset=HANDLE)
    assert loaded["logits"] == expected["logits"]
    assert (loaded["task"], loaded["name"]) == ("HRNet", HANDLE)
    folder = client.call("download", preset=HANDLE)
    for name, (content, _) in before.items():
        with open(f"{folder}/{name}", "rb") as file:
            assert file.read() == content, name


def test_the_command_uploads(hub, client, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "mine")
    arguments = ["upload", str(folder), HANDLE, "--private"]
    code, printed, error = client.call("command", arguments=arguments)
    assert (code, printed) == (1, "") and "card.json" in error
    (folder / "card.json").write_text(json.dumps(FACTS))
    code, printed, error = client.call("command", arguments=arguments)
    assert (code, error) == (0, "") and f"{hub.endpoint}/me/tiny" in printed
    code, printed, _ = client.call("command", arguments=arguments)
    assert (code, printed) == (0, "Nothing new to upload.\n")


def test_card_and_facts_are_there_for_all(hub, client, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "mine")
    (folder / "card.json").write_text(json.dumps(FACTS))
    (folder / "README.md").write_text("mine")
    (folder / "map.png").write_bytes(b"a picture")
    (folder / "notes.txt").write_text("not for the Hub")
    client.call("upload", handle=HANDLE, folder=folder)
    files = hub.files("me/tiny")
    assert set(files) == {
        *(path.name for path in preset.iterdir()),
        "README.md",
        "card.json",
        "map.png",
        *(f"swatches/{color}.png" for color in ("0000ff", "090909", "00ff00")),
    }
    card = hub.storage.blob(files["README.md"].sha256).read_text()
    assert "# tiny" in card and "mine" not in card
    facts = hub.storage.blob(files["card.json"].sha256).read_text()
    assert json.loads(facts) == FACTS


def test_branch(hub, client, preset):
    arguments = {"handle": HANDLE, "folder": preset, "facts": FACTS}
    client.call("upload", revision="next", **arguments)
    assert hub.files("me/tiny") == {}
    loaded = client.call("load", preset=f"{HANDLE}@next")
    assert loaded["name"] == f"{HANDLE}@next"
    again = client.call(
        "upload", **{**arguments, "handle": f"{HANDLE}@next"}, message="Again"
    )
    assert not again["changed"] and again["handle"] == f"{HANDLE}@next"


def test_what_is_no_longer_there_is_removed(hub, client, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "sharded")
    (folder / "model_00000.weights.h5").write_bytes(b"an old shard")
    (folder / "photo.jpg").write_bytes(b"the owner's own")
    hub.put("me/tiny", folder)
    client.call("upload", handle=HANDLE, folder=preset, facts=FACTS)
    names = set(hub.files("me/tiny"))
    assert "model_00000.weights.h5" not in names
    assert {"photo.jpg", "model.weights.h5"} <= names


def test_shards(hub, client, tmp_path):
    """Backbones above a size are saved in several files."""
    task, folder = make_task(), tmp_path / "sharded"
    task.save_to_preset(folder, max_shard_size=1.6e-4)
    shards = {path.name for path in folder.glob("model_*.weights.h5")}
    assert len(shards) > 1 and not (folder / "model.weights.h5").exists()
    expected = client.call("load", preset=folder)
    client.call("upload", handle=HANDLE, folder=folder, facts=FACTS)
    assert shards < set(hub.files("me/tiny"))
    client.call("configure", cache=tmp_path / "other")
    loaded = client.call("load", preset=HANDLE)
    assert loaded["logits"] == expected["logits"]
    # Old shards must not be loaded with a smaller preset.
    whole = tmp_path / "whole"
    task.save_to_preset(whole)
    assert client.call("load", preset=whole)["logits"] == expected["logits"]


def test_all_that_is_trained_is_published(
    hub, client, preset, expected, tmp_path
):
    folder = shutil.copytree(preset, tmp_path / "trained" / "publishable")
    (folder / "card.json").write_text(json.dumps(FACTS))
    facts = {"handle": "hf://keras-rsseg/publishable"}
    client.call("register", presets={"publishable": facts})
    arguments = ["--only", "publishable", "--organisation", "me"]
    arguments += ["--trained", str(tmp_path / "trained")]
    code, printed = client.call("publish", arguments=arguments)
    assert (code, printed) == (0, f"publishable: ready: {folder}\n")
    assert not hub.requests
    for outcome in ("published", "unchanged"):
        code, printed = client.call(
            "publish", arguments=[*arguments, "--upload"]
        )
        assert code == 0 and printed.startswith(f"publishable: {outcome}: http")
    loaded = client.call("load", preset="hf://me/publishable")
    assert loaded["logits"] == expected["logits"]


class TestPrivate:
    def test_nobody_else_sees_it(self, hub, client, preset):
        arguments = {"handle": HANDLE, "folder": preset, "facts": FACTS}
        client.call("upload", private=True, **arguments)
        assert client.call("load", preset=HANDLE)["name"] == HANDLE
        client.call("configure", cache=f"{client.cache}_2")
        with pytest.raises(ClientError, match="or private"):
            client.call("download", preset=HANDLE)

    def test_never_into_what_everyone_sees(self, hub, client, preset):
        hub.put("me/tiny", preset)
        message = refused(client, preset, private=True)
        assert (
            "already exists and is public" in message
            and "Nothing was" in message
        )
        assert "README.md" not in hub.files("me/tiny")


class TestTheHubRefuses:
    def test_not_logged_in(self, hub, client, preset):
        client.call("configure", cache=client.cache)
        message = refused(client, preset)
        assert "The Hub refused" in message and "hf auth login" in message
        assert not hub.storage.repositories

    def test_namespace_of_others(self, hub, client, preset):
        message = refused(client, preset, "hf://keras-rsseg/tiny")
        assert "does not let you upload hf://keras-rsseg/tiny" in message
        assert "write to it" in message

    @pytest.mark.parametrize(
        "status, words", [(429, "few minutes"), (500, "has a fault")]
    )
    def test_nothing_half_done_is_seen(
        self, hub, client, preset, status, words
    ):
        hub.put("me/tiny", preset)
        before = hub.files("me/tiny")
        with hub.failing(Fault("POST", "/commit/main", status)):
            assert words in refused(client, preset)
        assert hub.files("me/tiny") is before

    def test_connection_dropped_on_the_way(self, hub, client, preset):
        hub.mode = "lfs"
        with hub.failing(Fault("PUT", "/lfs/", "drop")):
            message = refused(client, preset)
        assert "broke off" in message and "whole or not at all" in message
        assert hub.files("me/tiny") == {}
        client.call("upload", handle=HANDLE, folder=preset, facts=FACTS)
        assert client.call("load", preset=HANDLE)["task"] == "HRNet"

    def test_one_bad_answer_is_got_over(self, hub, client, preset):
        hub.mode = "lfs"
        faults = [
            Fault("PUT", "/lfs/", 500, times=1),
            Fault("POST", "/preupload/", 503, times=1),
        ]
        with hub.failing(*faults):
            client.call("upload", handle=HANDLE, folder=preset, facts=FACTS)
        assert "model.weights.h5" in hub.files("me/tiny")


class TestLoadChecked:
    """Nothing is published that others could not use."""

    def test_sound_preset(self, preset):
        assert load_checked(preset).class_names == ["water", "road", "land"]

    def test_folder_that_is_none(self, tmp_path):
        with pytest.raises(ValueError, match="save_to_preset.*nowhere"):
            load_checked(tmp_path / "nowhere")

    @pytest.mark.parametrize(
        "arguments, name",
        [
            ({"class_names": None}, "class_names"),
            ({"preprocessor": None}, "bands"),
        ],
    )
    def test_legend_that_is_missing(self, tmp_path, arguments, name):
        make_task(**arguments).save_to_preset(tmp_path)
        with pytest.raises(ValueError, match=f"does not say what its {name}"):
            load_checked(tmp_path)

    def test_weights_that_diverged(self, tmp_path):
        task = make_task()
        kernel, bias = task.classifier.get_weights()
        task.classifier.set_weights([kernel, np.full_like(bias, np.nan)])
        task.save_to_preset(tmp_path)
        with pytest.raises(ValueError, match="not finite"):
            load_checked(tmp_path)


class TestChecks:
    """Before the Hub is asked for anything."""

    def test_facts_that_are_missing_are_named(self, hub, client, preset):
        message = refused(client, preset, facts=None)
        assert "card.json" in message
        for name in FACTS:
            assert re.search(rf"^  {name}: ", message, re.MULTILINE)
        assert not hub.requests

    def test_handle(self, hub, client, preset):
        message = refused(client, preset, "my-preset")
        assert "must be hf://org/name" in message

    def test_class_that_the_hub_may_not_bring(
        self, hub, client, preset, tmp_path
    ):
        folder = shutil.copytree(preset, tmp_path / "foreign")
        text = (folder / "task.json").read_text()
        text = text.replace("keras_rsseg>HRNetEncoder", "mine>Encoder")
        (folder / "task.json").write_text(text)
        assert "'mine>Encoder'" in refused(client, folder)
        assert not hub.requests
