"""Handles, the cache, and presets that are not available.

Their errors are one paragraph that says what to do.
"""

import json
import pathlib
import shutil

import pytest

from keras_rsseg.hub.client import Handle
from keras_rsseg.hub.client import parse_handle
from tests.hub.client import ClientError
from tests.hub.conftest import TOKEN
from tests.hub.local_hub import Fault

NAME = "me/tiny"
HANDLE = f"hf://{NAME}"
NOBODY = "http://127.0.0.1:9"  # where nobody listens


def refused(client, preset=HANDLE, function="load", **arguments):
    """Return the message of a preset that must not load."""
    with pytest.raises(ClientError) as error:
        client.call(function, preset=preset, **arguments)
    assert error.value.kind == "PresetError"
    message = str(error.value)
    assert "Traceback" not in message and "\n\n" not in message
    return message


def edited(preset, folder, name, function):
    """Return a copy of a preset with another configuration."""
    shutil.copytree(preset, folder)
    path = folder / name
    content = json.loads(path.read_text())
    function(content)
    path.write_text(json.dumps(content))
    return folder


class TestHandle:
    """A handle names one repository and one revision, or is refused."""

    def test_parts(self):
        assert parse_handle("hf://org/a.b-c_1") == Handle("org/a.b-c_1")
        assert parse_handle("hf://org/name@v1") == Handle("org/name", "v1")
        # A pull request, as the Hub names it.
        handle = parse_handle("hf://org/name@refs/pr/1")
        assert handle.revision == "refs/pr/1"
        assert str(handle) == "hf://org/name@refs/pr/1"
        assert str(Handle("org/name")) == "hf://org/name"

    def test_revision_of_an_argument(self):
        assert parse_handle("hf://org/name", "v1").revision == "v1"
        assert parse_handle("hf://org/name@v1", "v1").revision == "v1"
        with pytest.raises(ValueError, match="hf://org/name@v1.*revision='v2'"):
            parse_handle("hf://org/name@v1", "v2")

    @pytest.mark.parametrize(
        "handle",
        [
            "hf://name",
            "hf://org/name/sub",
            "hf://org/name@",
            "hf://org/na me",
            "gs://org/name",
            "org/name",
            "",
        ],
    )
    def test_what_is_no_handle(self, handle):
        with pytest.raises(ValueError, match="must be hf://org/name"):
            parse_handle(handle)


class TestNotToBeHad:
    def test_missing(self, hub, client):
        message = refused(client)
        assert message.startswith(f"{HANDLE} is not on the Hub, or private.")
        assert "hf auth login" in message

    def test_private_and_not_logged_in(self, hub, client, preset):
        hub.put(NAME, preset, private=True)
        client.call("configure", cache=client.cache)
        message = refused(client)
        assert "is not on the Hub, or private" in message
        assert "hf auth login" in message and "HF_TOKEN" in message
        client.call("configure", token=TOKEN, cache=client.cache)
        assert client.call("load", preset=HANDLE)["task"] == "HRNet"

    @pytest.mark.parametrize(
        "status, headers, words",
        [
            (403, {"X-Error-Code": "GatedRepo"}, "is gated: ask for access"),
            (403, {}, "does not let you download"),
            (429, {}, "no more requests.*few minutes"),
            (500, {}, r"has a fault \(status 500"),
            (503, {}, "has a fault"),
        ],
    )
    def test_status(self, hub, client, preset, status, headers, words):
        hub.put(NAME, preset)
        fault = Fault("GET", "/api/models/", status, headers=headers)
        with hub.failing(fault), pytest.raises(ClientError, match=words):
            client.call("download", preset=HANDLE)
        # And for a single file, after a first correct answer.
        fault = Fault("GET", "/resolve/.*task.json", status, headers=headers)
        with hub.failing(fault), pytest.raises(ClientError, match=words):
            client.call("download", preset=HANDLE)

    def test_login_that_is_no_longer_valid(self, hub, client, preset):
        hub.put(NAME, preset)
        headers = {
            "X-Error-Message": "Invalid credentials in Authorization header"
        }
        with hub.failing(Fault("GET", "/api/models", 401, headers=headers)):
            assert "refused the login" in refused(client)

    def test_revision(self, hub, client, preset):
        hub.put(NAME, preset)
        message = refused(client, f"{HANDLE}@v9")
        assert f"{NAME} has no revision 'v9'" in message
        assert "branch, a tag or a commit" in message

    def test_offline_without_a_cache(self, hub, client, preset):
        hub.put(NAME, preset)
        client.call("configure", cache=client.cache, offline=True)
        message = refused(client)
        assert "is not in the cache" in message
        assert "HF_HUB_OFFLINE is set" in message
        client.call("configure", cache=client.cache, endpoint=NOBODY)
        message = refused(client)
        assert f"({client.cache}), and the Hub cannot be reached" in message

    def test_registered_name(self, hub, client):
        facts = {
            "handle": "hf://keras-rsseg/far",
            "how_to_get": {
                "convert": "python -m weights.convert --output far",
                "train": "python -m examples.train",
            },
        }
        client.call("register", presets={"far": facts})
        assert client.call("where", name="far") == "convert"
        message = refused(client, "far")
        assert message.startswith(
            "The preset 'far' is not available: hf://keras-rsseg/far is not on"
        )
        assert "checkpoint that you have: python -m weights.convert" in message
        assert "train it: python -m examples.train" in message
        # For its bare name the registry would win again.
        assert "use the folder in place of the name, such as ./far." in message
        client.call("configure", cache=client.cache, endpoint=NOBODY)
        message = refused(client, "far")
        assert "cannot be reached. Its weights are not published" in message
        assert "weights.convert --output far" in message

    def test_the_front_door(self, hub, client):
        message = refused(client, "pfnet_r50_isaid")
        assert "pfnet_r50_isaid is not on the Hub" in message
        assert "weights.convert --variant pfnet_r50_isaid" in message
        assert "examples.train_pfnet_isaid" in message
        client.call("configure", cache=client.cache, endpoint=NOBODY)
        message = refused(client, "pfnet_r50_isaid")
        assert "the Hub cannot be reached" in message
        assert "weights.convert --variant pfnet_r50_isaid" in message


class TestCache:
    def test_once_loaded_no_network_is_needed(self, hub, client, preset):
        hub.put(NAME, preset)
        client.call("register", presets={"near": {"handle": HANDLE}})
        assert client.call("where", name="near") == ""
        expected = client.call("load", preset=HANDLE)
        assert client.call("where", name="near") == "cache"
        count = len(hub.requests)
        client.call("configure", cache=client.cache, offline=True)
        assert client.call("load", preset=HANDLE) == expected
        client.call("configure", cache=client.cache, endpoint=NOBODY)
        assert (
            client.call("load", preset="near")["logits"] == expected["logits"]
        )
        assert len(hub.requests) == count
        client.call("configure", cache=client.cache)
        with hub.failing(Fault("GET", "", 500), Fault("HEAD", "", 500)):
            client.call("download", preset=HANDLE)

    def test_nothing_but_a_presets_files_is_downloaded(
        self, hub, client, preset, tmp_path
    ):
        folder = shutil.copytree(preset, tmp_path / "more")
        for name in ("model.pkl", "model.keras", "code.py", "README.md"):
            (folder / name).write_bytes(b"x")
        hub.put(NAME, folder)
        found = pathlib.Path(client.call("download", preset=HANDLE))
        names = {path.name for path in found.iterdir()}
        assert names == {path.name for path in preset.iterdir()}
        assert not [path for _, path in hub.requests if "pkl" in path]

    def test_a_part_is_not_taken_for_the_whole(self, hub, client, preset):
        hub.put(NAME, preset)
        drop = Fault("GET", "task.weights.h5", "drop")
        with hub.failing(drop):
            message = refused(client, function="download")
            assert "broke off" in message and "Load it again" in message
        client.call("configure", cache=client.cache, endpoint=NOBODY)
        message = refused(client)
        assert "only partly downloaded" in message and "online" in message

    def test_weights_stay_where_they_are_if_not_asked_for(
        self, hub, client, preset
    ):
        hub.put(NAME, preset)
        client.call("load", preset=HANDLE, load_weights=False)
        assert not [path for _, path in hub.requests if ".h5" in path]
        # Later they are fetched.
        assert client.call("load", preset=HANDLE)["task"] == "HRNet"


class TestBadFiles:
    def test_a_truncated_transfer_goes_on(self, hub, client, preset):
        hub.put(NAME, preset)
        half = Fault("GET", "model.weights.h5", "truncate", times=1)
        with hub.failing(half, Fault("GET", "config.json", 500, times=1)):
            folder = client.call("download", preset=HANDLE)
        for path in preset.iterdir():
            arrived = pathlib.Path(folder, path.name).read_bytes()
            assert arrived == path.read_bytes()

    def test_a_file_that_never_arrives_whole(self, hub, client, preset):
        hub.put(NAME, preset)
        with hub.failing(Fault("GET", "config.json", "drop")):
            message = refused(client, function="download")
        assert "broke off" in message and "Load it again" in message

    def test_damaged_in_the_cache(self, hub, client, preset):
        hub.put(NAME, preset)
        folder = pathlib.Path(client.call("download", preset=HANDLE))
        path = (folder / "model.weights.h5").resolve()
        path.write_bytes(path.read_bytes()[:1000])
        message = refused(client)
        assert "truncated or damaged. Delete that folder" in message
        assert str(folder) in message

    @pytest.mark.parametrize(
        "name, words",
        [
            ("keras_rsseg_tests>TinyEncoder", "may only name classes of"),
            ("keras_rsseg>NewEncoder", "pip install --upgrade"),
        ],
    )
    def test_class_that_is_not_ours(
        self, hub, client, preset, tmp_path, name, words
    ):
        def change(task):
            backbone = task["config"]["backbone"]["config"]
            backbone["image_encoder"]["registered_name"] = name

        hub.put(NAME, edited(preset, tmp_path / "x", "task.json", change))
        message = refused(client)
        assert words in message and repr(name) in message

    def test_no_task(self, hub, client, preset, tmp_path):
        folder = shutil.copytree(preset, tmp_path / "backbone")
        (folder / "task.json").unlink()
        hub.put(NAME, folder)
        assert "holds no task" in refused(client)


def test_revision_of_a_preset(hub, client, preset):
    hub.put(NAME, preset)
    first = hub.storage.repositories[NAME].branches["main"]
    expected = client.call("load", preset=HANDLE)["logits"]
    hub.storage.repositories[NAME].commit("v2", {})
    assert "holds no task" in refused(client, f"{HANDLE}@v2")
    for arguments in (
        {"preset": f"{HANDLE}@{first}"},
        {"preset": HANDLE, "revision": first},
    ):
        loaded = client.call("load", **arguments)
        assert loaded["logits"] == expected
        assert loaded["name"] == f"{HANDLE}@{first}"
