"""Presets whose bytes and entries are changed at random, with a fixed seed.

They have no checksums, like presets of earlier versions. No change may raise
anything but `PresetError`, nor pass for a sound preset with other names,
colours, bands or shapes.
"""

import json

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_folder import open_preset
from tests.models.segmenter_test import make_model

VALUES = (
    *(None, True, 0, -1, 7, 10**9, 2**63, 0.5, 1e308, "", "a", "/etc/passwd"),
    *([], [1], [0, 0, 0], [None, None, 3], {}, {"a": 1}, [255, 0], [[1]]),
    {"class_name": "Lambda", "config": {}},
)


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / "copy"
    make_model(class_names=["a", "b", "c"]).save_to_preset(copy)
    metadata = json.loads((copy / "metadata.json").read_text())
    del metadata["sha256"]
    (copy / "metadata.json").write_text(json.dumps(metadata))
    return copy


def places(node, at=()):
    found = [at] if at else []
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        found.append((*at, key))
        if isinstance(value, dict | list):
            found += places(value, (*at, key))
    return found


def change_entry(random, data):
    content = json.loads(data)
    chosen = places(content)
    place = chosen[random.integers(len(chosen))]
    parent = content
    for key in place[:-1]:
        parent = parent[key]
    if random.random() < 0.2:
        del parent[place[-1]]
    else:
        parent[place[-1]] = VALUES[random.integers(len(VALUES))]
    return json.dumps(content).encode()


def change_bytes(random, data):
    data = bytearray(data)
    kind = random.integers(4)
    place = int(random.integers(len(data)))
    if kind == 0:
        return bytes(data[:place])
    if kind == 1:
        del data[place : place + 20]
    elif kind == 2:
        data[place : place + 50] = bytes(50)
    else:
        data[place] ^= 1 << int(random.integers(8))
    return bytes(data)


def facts(task):
    return (
        task.class_names,
        task.palette,
        task.bands,
        task.ground_sample_distance,
        task.value_range,
        [tuple(weight.shape) for weight in task.weights],
    )


def changes(folder, seed, tries):
    """Change one file after another, and restore it."""
    random = np.random.default_rng(seed)
    names = sorted(path.name for path in folder.iterdir())
    texts = [name for name in names if name.endswith(".json")]
    for _ in range(tries):
        chosen = texts if random.random() < 0.7 else names
        path = folder / chosen[random.integers(len(chosen))]
        good = path.read_bytes()
        change = change_bytes
        if path.suffix == ".json" and random.random() < 0.8:
            change = change_entry
        path.write_bytes(change(random, good))
        yield
        path.write_bytes(good)


def test_no_other_error_before_a_network_is_made(folder):
    refused = 0
    for _ in changes(folder, 5, 200):
        try:
            with open_preset(folder):
                pass
        except PresetError as error:
            assert str(folder) in str(error)
            refused += 1
    assert refused > 60


@pytest.mark.slow
def test_nothing_passes_for_another_preset(folder):
    expected = facts(keras_rsseg.from_preset(folder))
    refused = 0
    for _ in changes(folder, 3, 40):
        try:
            assert facts(keras_rsseg.from_preset(folder)) == expected
        except PresetError as error:
            assert str(folder) in str(error)
            refused += 1
    assert refused > 10
