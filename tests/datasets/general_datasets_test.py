"""Cityscapes' and ADE20K's records as TFDS holds them become ours."""

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")

from keras_rsseg import datasets  # noqa: E402
from keras_rsseg.datasets import as_records  # noqa: E402
from keras_rsseg.errors import DatasetError  # noqa: E402


def records_of(features, name):
    dataset = tf.data.Dataset.from_tensors(features)
    (record,) = tfds.as_numpy(as_records(dataset, name))
    return record


def cityscapes(labels):
    return {
        "image_id": "aachen_000000_000019",
        "image_left": np.full((2, 3, 3), 9, "uint8"),
        "segmentation_label": np.array(labels, "uint8")[..., None],
    }


def test_cityscapes_label_ids_become_those_of_training():
    record = records_of(cityscapes([[7, 8, 33], [0, 9, 255]]), "cityscapes")
    np.testing.assert_array_equal(
        record["mask"][..., 0], [[0, 1, 18], [255, 255, 255]]
    )
    assert record["mask"].dtype == record["image"].dtype == np.uint8
    assert record["mask"].shape == (2, 3, 1)
    assert record["name"] == b"aachen_000000_000019"
    assert datasets.facts("cityscapes").class_names[18] == "bicycle"


def test_all_of_cityscapes_classes_are_reached():
    labels = np.arange(34)[None]
    ids = records_of(cityscapes(labels), "cityscapes")["mask"]
    assert sorted(set(ids.ravel().tolist())) == [*range(19), 255]


def ade20k(red, green=None):
    red = np.array(red, "uint8")
    green = red if green is None else np.array(green, "uint8")
    return {
        "image": np.zeros((*red.shape, 3), "uint8"),
        "annotation": np.stack([red, green, red], -1),
    }


def test_ade20k_other_is_void_and_classes_count_from_0():
    record = records_of(ade20k([[0, 1, 150]]), "ade20k")
    np.testing.assert_array_equal(record["mask"][..., 0], [[255, 0, 149]])
    assert record["name"] == b"0"
    names = datasets.facts("ade20k").class_names
    assert (names[0], names[149], len(names)) == ("wall", "flag", 150)


def test_annotations_of_instances_are_not_those_of_150_classes():
    """TFDS's scene_parse150 holds 100 classes of objects: red, not grey."""
    features = ade20k([[0, 1, 100]], green=[[0, 5, 6]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="instance task"):
        records_of(features, "ade20k")
    record = records_of(features, "scene_parse150")
    np.testing.assert_array_equal(record["mask"][..., 0], [[255, 0, 99]])
    names = datasets.facts("scene_parse150").class_names
    assert (names[0], names[99], len(names)) == ("bed", "flag", 100)


def test_the_features_are_those_of_tfds():
    """TFDS's own builders, on made data, are mapped without a further step."""
    for name in ("cityscapes", "scene_parse150"):
        with tfds.testing.mock_data(num_examples=2):
            dataset = tfds.load(name, split="train")
            records = list(as_records(dataset, name).take(1))
        assert set(records[0]) == {"image", "mask", "name"}


def test_other_names_and_records_are_refused():
    dataset = tf.data.Dataset.from_tensors({"image": 0})
    with pytest.raises(ValueError, match="'ade20k', 'cityscapes', 'scene"):
        as_records(dataset, "coco")
    with pytest.raises(
        DatasetError, match=r"'annotation'. Received: \['image'"
    ):
        as_records(dataset, "ade20k")
