"""Damaged or malicious presets raise one error, which names them.

Each case is tried on a preset without checksums, as in earlier versions:
checksums would refuse most of them before anything else is checked.
"""

import json
import os
import shutil

import h5py
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import DamagedFileError
from keras_rsseg.hub.preset_files import record_sums
from keras_rsseg.hub.preset_weights import check_weights
from tests.hub.tiny_preset import make_task

WEIGHTS = "model.weights.h5"
HEAD = "task.weights.h5"


@pytest.fixture
def folder(preset, tmp_path):
    copy = shutil.copytree(preset, tmp_path / "copy")
    edit(copy / "metadata.json", lambda metadata: metadata.pop("sha256"))
    return copy


def edit(path, function):
    content = json.loads(path.read_text())
    function(content)
    path.write_text(json.dumps(content))


def refused(folder, name, words="", **arguments):
    """Load a preset that must not load, and check the error."""
    with pytest.raises(PresetError) as error:
        keras_rsseg.from_preset(folder, **arguments)
    message = str(error.value)
    assert str(folder) in message and name in message
    assert words in message
    return message


def encoders(folder, function):
    """Change the encoder's arguments in both files that hold them."""
    for name in ("task.json", "config.json"):

        def change(content, name=name):
            config = content["config"]
            if name == "task.json":
                config = config["backbone"]["config"]
            function(config["image_encoder"])

        edit(folder / name, change)


def converters(folder, **values):
    """Change the image converter in all files that hold it."""

    def change(node):
        if isinstance(node, dict):
            if "ground_sample_distance" in node:
                node.update(values)
            for part in node.values():
                change(part)

    for name in ("task.json", "preprocessor.json", "image_converter.json"):
        edit(folder / name, change)


def tasks(folder, **values):
    edit(folder / "task.json", lambda task: task["config"].update(values))


def test_presets_without_sums_load_as_before(folder):
    assert keras_rsseg.from_preset(folder).num_classes == 3
    (folder / "metadata.json").unlink()
    assert keras_rsseg.from_preset(folder).num_classes == 3


class TestSums:
    """Every byte counts."""

    @pytest.mark.parametrize(
        "name", ["task.json", "image_converter.json", WEIGHTS, HEAD]
    )
    def test_one_changed_byte(self, preset, tmp_path, name):
        copy = shutil.copytree(preset, tmp_path / "copy")
        data = bytearray((copy / name).read_bytes())
        # A space between two entries, or a number.
        place = data.index(b"\n ") + 1 if name.endswith("json") else -9
        data[place : place + 1] = b"\t" if name.endswith("json") else b"\x01"
        (copy / name).write_bytes(data)
        message = refused(copy, name, "SHA-256")
        assert "record_sums" in message
        record_sums(copy)
        assert keras_rsseg.from_preset(copy).num_classes == 3

    def test_missing_and_left_over(self, preset, tmp_path):
        copy = shutil.copytree(preset, tmp_path / "copy")
        (copy / "model_00000.weights.h5").write_bytes(b"x")
        refused(
            copy, "model_00000.weights.h5", "does not belong to this preset"
        )
        (copy / "model_00000.weights.h5").unlink()
        (copy / "image_converter.json").unlink()
        refused(copy, "image_converter.json", "is missing")

    @pytest.mark.parametrize("sums", ["x", [], {"../x": "0"}])
    def test_sums_that_are_none(self, folder, sums):
        edit(folder / "metadata.json", lambda m: m.update(sha256=sums))
        refused(folder, "metadata.json", "sha256")

    @pytest.mark.parametrize("content", ["", "{", "[]", "null"])
    def test_metadata_that_nobody_can_read(self, folder, content):
        (folder / "metadata.json").write_text(content)
        refused(folder, "metadata.json")

    def test_weights_need_not_be_there_for_a_network_alone(
        self, preset, tmp_path
    ):
        copy = shutil.copytree(preset, tmp_path / "copy")
        (copy / WEIGHTS).unlink()
        keras_rsseg.from_preset(copy, load_weights=False)
        refused(copy, WEIGHTS, "is missing")


class TestFiles:
    @pytest.mark.parametrize("name", [WEIGHTS, HEAD, "config.json"])
    def test_missing(self, folder, name):
        (folder / name).unlink()
        refused(folder, name, "is missing")

    def test_a_head_that_is_not_wanted_may_be_missing(self, folder):
        (folder / HEAD).unlink()
        task = keras_rsseg.from_preset(folder, num_classes=4)
        assert task.num_classes == 4
        refused(folder, HEAD, "is missing", num_classes=3)

    @pytest.mark.parametrize("name", [WEIGHTS, HEAD, "preprocessor.json"])
    def test_link_to_nothing(self, folder, name):
        (folder / name).unlink()
        (folder / name).symlink_to("nowhere")
        refused(folder, name, "is a link to nowhere")

    @pytest.mark.parametrize("name", [WEIGHTS, HEAD, "preprocessor.json"])
    def test_pipes_and_folders_are_not_waited_for(self, folder, name):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        refused(folder, name, "not a regular file")
        (folder / name).unlink()
        (folder / name).mkdir()
        refused(folder, name, "not a regular file")

    def test_links_to_files_are_fine(self, folder, tmp_path):
        shutil.move(folder / WEIGHTS, tmp_path / "blob")
        (folder / WEIGHTS).symlink_to(tmp_path / "blob")
        assert keras_rsseg.from_preset(folder).num_classes == 3


class TestShards:
    @pytest.fixture
    def sharded(self, tmp_path):
        folder = tmp_path / "sharded"
        make_task().save_to_preset(folder, max_shard_size=1.6e-4)
        edit(folder / "metadata.json", lambda metadata: metadata.pop("sha256"))
        return folder

    def test_sound(self, sharded):
        assert keras_rsseg.from_preset(sharded).num_classes == 3

    def test_left_over(self, folder, sharded):
        shard = min(sharded.glob("model_*.h5"))
        shutil.copy(shard, folder / shard.name)
        refused(folder, shard.name, "shard that no model.weights.json lists")
        shutil.copy(shard, sharded / "model_99999.weights.h5")
        refused(sharded, "model_99999.weights.h5", "does not list")

    def test_missing(self, sharded):
        shard = max(sharded.glob("model_*.h5"))
        shard.unlink()
        refused(sharded, shard.name, "is missing")

    def test_two_backbones(self, folder, sharded):
        shutil.copy(folder / WEIGHTS, sharded / WEIGHTS)
        refused(sharded, "model.weights.json", "keep only one")

    @pytest.mark.parametrize("shard", ["../x.weights.h5", 1, None])
    def test_shards_elsewhere(self, sharded, shard):
        edit(
            sharded / "model.weights.json",
            lambda content: content.update(weight_map={"/a": shard}),
        )
        refused(sharded, "model.weights.json", f"names {shard!r}")


def first_array(file):
    found = []
    file.visititems(
        lambda name, item: (
            found.append(name) if isinstance(item, h5py.Dataset) else None
        )
    )
    return found[0]


def replace_array(folder, make, name=WEIGHTS):
    """Replace the first array of a file by the result of `make()`."""
    with h5py.File(folder / name, "r+") as file:
        place = first_array(file)
        values = file[place][()]
        del file[place]
        make(file, place, values)


def external_link(file, place, values):
    file[place] = h5py.ExternalLink("other.h5", "x")


def soft_link(file, place, values):
    file[place] = h5py.SoftLink("/" + place)


def external_storage(file, place, values):
    external = [("other.bin", 0, h5py.h5f.UNLIMITED)]
    file.create_dataset(place, values.shape, "f4", external=external)


def virtual(file, place, values):
    layout = h5py.VirtualLayout(values.shape, "f4")
    layout[...] = h5py.VirtualSource("other.h5", "x", values.shape)
    file.create_virtual_dataset(place, layout)


def never_written(file, place, values):
    file.create_dataset(place, values.shape, "f4")


def bomb(file, place, values):
    file.create_dataset(
        place, (2_000_000_000,), "f4", chunks=(1_000_000,), compression="gzip"
    )


def twice(file, place, values):
    other = first_array(file)
    file[place] = file[other]


def endless(file, place, values):
    file[place] = file["layers"]


def filled(value):
    def make(file, place, values):
        file[place] = np.full(values.shape, value)

    return make


class TestWeights:
    @pytest.mark.parametrize(
        "make, words",
        [
            (external_link, "link instead of an array"),
            (soft_link, "link instead of an array"),
            (external_storage, "values are in other files"),
            (virtual, "values are in other files"),
            (never_written, "never written"),
            (bomb, "far larger than the file"),
            (twice, "more than once"),
            (endless, "more than once"),
            (filled(np.float32(np.nan)), "not finite"),
            (filled(np.float32(-np.inf)), "not finite"),
            (filled(1e300), "not finite"),
            (filled(1), "dtype is int64"),
            (filled(1j), "dtype is complex128"),
            (filled(b"abc"), "dtype is"),
            (filled(True), "dtype is bool"),
        ],
    )
    @pytest.mark.parametrize("name", [WEIGHTS, HEAD])
    def test_no_plain_finite_arrays(self, folder, make, words, name):
        replace_array(folder, make, name)
        refused(folder, name, words)

    def test_arrays_of_another_network(self, folder):
        replace_array(folder, lambda file, place, values: None)
        refused(folder, WEIGHTS)
        shutil.copy(folder / WEIGHTS, folder / HEAD)
        refused(folder, HEAD)

    def test_packed_arrays_are_fine(self, folder):
        replace_array(
            folder,
            lambda file, place, values: file.create_dataset(
                place, data=values.astype("f8"), compression="gzip"
            ),
        )
        assert keras_rsseg.from_preset(folder).num_classes == 3

    def test_what_hdf5_itself_finds(self, folder):
        # Its errors are RuntimeError, KeyError, OSError ...
        path = folder / HEAD
        good = path.read_bytes()
        found = 0
        for place in range(0, 4000, 200):
            data = bytearray(good)
            data[place : place + 24] = b"\xff" * 24
            path.write_bytes(data)
            try:
                check_weights(folder)
            except DamagedFileError as error:
                assert HEAD in str(error)
                found += 1
        assert found > 1


class TestConfigurations:
    @pytest.mark.parametrize(
        "text, words",
        [
            ('{"config": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
            ('{"a":' * 300 + "1" + "}" * 300, "nested too deeply"),
            ('{"a": NaN}', "holds NaN"),
            ('{"a": 1, "a": 1}', "'a' twice"),
            ('{"a": "' + "x" * 10_000_000 + '"}', "bytes, too many"),
            ("\ufeff{}", "not valid JSON"),
        ],
    )
    def test_no_plain_json(self, folder, text, words):
        (folder / "image_converter.json").write_text(text, encoding="utf-8")
        refused(folder, "image_converter.json", words)

    @pytest.mark.parametrize(
        "text", ["null", "[1, 2]", "{}", '{"registered_name": ["HRNet"]}']
    )
    def test_no_task(self, folder, text):
        (folder / "task.json").write_text(text)
        refused(folder, "task.json", "names no task: registered_name=")

    @pytest.mark.parametrize(
        "arguments",
        [
            {"width": 100_000},
            {"width": 300},
            {"stackwise_num_modules": [1, 1, 100_000]},
            {"num_blocks": 100, "num_bottlenecks": 100},
            {"bottleneck_filters": 10**9},
            {"image_shape": [None, None, 10**6]},
            {"image_shape": [10**6, 10**6, 3]},
        ],
    )
    def test_absurd_sizes(self, folder, arguments):
        encoders(folder, lambda encoder: encoder["config"].update(arguments))
        message = refused(folder, "config.json", "out of proportion")
        assert any(f"`{name}` out of" in message for name in arguments)
        assert "HRNetEncoder" in message

    @pytest.mark.parametrize(
        "arguments",
        [
            {"align_corners": [1]},
            {"width": True},
            {"width": 2.5},
            {"fusion": None},
            {"stackwise_num_modules": "abc"},
            {"stackwise_num_modules": [1, None, 1]},
            {"data_format": "channels"},
        ],
    )
    def test_types_that_would_fail_with_the_first_tile(self, folder, arguments):
        encoders(folder, lambda encoder: encoder["config"].update(arguments))
        refused(folder, "config.json", f"`{next(iter(arguments))}`")

    @pytest.mark.parametrize(
        "values",
        [
            {"ground_sample_distance": -5},
            {"ground_sample_distance": 0},
            {"ground_sample_distance": "0.5"},
            {"value_range": [255, 0]},
            {"value_range": [9, 9, 9]},
            {"value_range": ["a", "b"]},
            {"bands": ["red", "red", "blue"]},
            {"bands": ["red", "green"]},
            {"scale": [0.0, 0.1, 0.1]},
            {"scale": [0.1, 0.1]},
            {"scale": None, "offset": None},
            {"offset": [None, 0, 0]},
        ],
    )
    def test_tiles_as_no_tile_can_be(self, folder, values):
        converters(folder, **values)
        refused(folder, "task.json", "HRNetImageConverter")

    @pytest.mark.parametrize(
        "values",
        [
            {"class_names": ["a", "a", "b"]},
            {"class_names": ["a", "b"]},
            {"class_names": [1, None, {}]},
            {"class_names": "abc"},
            {"class_names": ["a", "b\n", "c"]},
            {"palette": [[300, 0, 0], [1, 1, 1], [2, 2, 2]]},
            {"palette": [[1, 2], [1, 1, 1], [2, 2, 2]]},
            {"display_palette": [[0, 0, 0]]},
            {"num_classes": 10**9, "class_names": None},
            {"num_classes": True},
        ],
    )
    def test_classes_that_nobody_can_tell_apart(self, folder, values):
        tasks(folder, **values)
        refused(folder, "task.json", f"`{next(iter(values))}`")

    def test_files_that_contradict_each_other(self, folder):
        edit(
            folder / "config.json",
            lambda content: content["config"].update(align_corners=False),
        )
        refused(folder, "config.json", "contradicts task.json")

    def test_normalisation_that_went_missing(self, folder):
        tasks(folder, preprocessor=None)
        refused(folder, "preprocessor.json", "contradicts task.json")


class TestConstructors:
    """Arguments that a preset must not state are also refused in Python."""

    def test_facts(self):
        converter = keras_rsseg.models.HRNetImageConverter
        for values in (
            {"ground_sample_distance": -5},
            {"value_range": (255, 0)},
            {"bands": ("red", "red", "blue")},
            {"scale": (1, 2)},
        ):
            with pytest.raises(ValueError, match=f"`{next(iter(values))}`"):
                converter(**values)
        with pytest.raises(ValueError, match="Received twice: road"):
            make_task(class_names=["road", "land", "road"])
