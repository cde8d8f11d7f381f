"""Invalid training options are refused, by their names."""

import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.label_options import LabelOptions
from keras_rsseg.options import fields
from keras_rsseg.training_options import GROUPS
from keras_rsseg.training_options import TrainingOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("classes", ["roof"]),
        ("classes", "roof"),
        ("epochs", 1.5),
        ("ground_sample_distance", -1),
        ("ids", [(255, 1)]),
        ("learning_rate", 0),
        ("num_classes", 1),
        ("sampling", "windows"),
        ("seed", -1),
        ("split", "tile"),
        ("validation", 1),
    ],
)
def test_out_of_range(name, value):
    with pytest.raises(ArgumentError, match=f"`{name}`"):
        TrainingOptions(**{name: value})


def test_two_that_say_the_same():
    with pytest.raises(ArgumentError, match="`classes`.*`num_classes`"):
        TrainingOptions(num_classes=2, classes=["a", "b"])
    with pytest.raises(ArgumentError, match="`validation_masks`"):
        TrainingOptions(validation_images="images")


def test_the_labels_are_those_of_check():
    labels = [field.name for field in fields(LabelOptions)]
    assert [f.name for f in fields(TrainingOptions)][: len(labels)] == labels


@pytest.mark.parametrize("field", fields(TrainingOptions))
def test_each_has_its_place_in_the_help(field):
    assert field.flag is None or field.option.group in GROUPS


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("classes", "roof, road", ["roof", "road"]),
        ("ids", "255=1, roof=2", {255: 1, "roof": 2}),
        ("bands", "4,nir", [4, "nir"]),
        ("ground_sample_distance", "native", None),
        ("ground_sample_distance", "0.5", 0.5),
    ],
)
def test_texts_are_read(name, text, value):
    (field,) = (f for f in fields(TrainingOptions) if f.name == name)
    assert field.read(text) == value
