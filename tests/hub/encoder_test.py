"""Encoders come from the Hub as tasks do: offline, checked, explained."""

import json
import shutil

import pytest

from tests.hub.client import ClientError
from tests.hub.tiny_preset import make_task

NAME = "me/encoder"
HANDLE = f"hf://{NAME}"


def refused(client, preset=HANDLE, **arguments):
    """Return the message of a preset that must not load."""
    with pytest.raises(ClientError) as error:
        client.call("load_encoder", preset=preset, **arguments)
    assert error.value.kind == "PresetError"
    return str(error.value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    make_task().backbone.image_encoder.save_to_preset(folder)
    return folder


def test_once_loaded_no_network_is_needed(hub, client, folder):
    hub.put(NAME, folder)
    expected = client.call("load_encoder", preset=folder)
    assert client.call("load_encoder", preset=HANDLE) == expected
    client.call("configure", cache=client.cache, offline=True)
    first = hub.storage.repositories[NAME].branches["main"]
    for preset in (HANDLE, f"{HANDLE}@{first}"):
        assert client.call("load_encoder", preset=preset) == expected
    _, fusion, _ = client.call("load_encoder", preset=HANDLE, fusion="ifwm")
    assert fusion == "ifwm"


def test_missing_and_offline(hub, client):
    assert "is not on the Hub, or private" in refused(client)
    client.call("configure", cache=client.cache, offline=True)
    assert "HF_HUB_OFFLINE is set" in refused(client)
    assert "a folder that `save_to_preset()` wrote" in refused(
        client, "nowhere"
    )


def test_damaged(client, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "damaged")
    path = copy / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:1000])
    assert "truncated or damaged" in refused(client, copy)


def test_class_that_is_not_ours(hub, client, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "foreign")
    configuration = json.loads((copy / "config.json").read_text())
    configuration["registered_name"] = "mine>Encoder"
    (copy / "config.json").write_text(json.dumps(configuration))
    hub.put(NAME, copy)
    assert "may only name classes of" in refused(client)


def test_task_is_no_encoder(client, preset):
    message = refused(client, preset)
    assert "keras_rsseg>HRNetBackbone" in message
    assert "backbone.image_encoder" in message
