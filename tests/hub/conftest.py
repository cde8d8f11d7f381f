"""A Hub, a client and a tiny preset for the tests of this folder."""

import pytest

from keras_rsseg.hub import registry
from tests.hub.client import Client
from tests.hub.local_hub import LocalHub
from tests.hub.tiny_preset import make_task

TOKEN = "hf_me"


@pytest.fixture(scope="session")
def preset(tmp_path_factory):
    """Folder of a preset; not to be changed."""
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    make_task().save_to_preset(folder)
    return folder


@pytest.fixture
def presets():
    """An empty registry in place of the package's."""
    presets = registry.registered_presets()
    own = dict(presets)
    presets.clear()
    yield presets
    presets.clear()
    presets.update(own)


@pytest.fixture(scope="session")
def _session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    with LocalHub(folder / "storage") as hub:
        client = Client(hub.endpoint, folder / "home")
        yield hub, client
        client.close()


@pytest.fixture
def hub(_session):
    """A Hub to which `client` may upload as "me"."""
    hub, _ = _session
    hub.clear()
    hub.writers = {TOKEN: {"me"}}
    return hub


@pytest.fixture
def client(_session, hub, tmp_path):
    """A client with an empty cache, logged in."""
    _, client = _session
    client.cache = tmp_path / "cache"
    client.call("configure", token=TOKEN, cache=client.cache)
    return client
