"""A check of the data tells what would go wrong in training."""

import types

import numpy as np
import pytest

from keras_rsseg.data import check
from keras_rsseg.data.check import only_class
from tests.data.files import random_image
from tests.data.files import write_raster


def make_model(**facts):
    values = {
        "bands": ("red", "green", "blue"),
        "value_range": (0, 255),
        "ground_sample_distance": 0.5,
        "num_classes": 3,
        "class_names": ["water", "road", "land"],
    }
    return types.SimpleNamespace(**{**values, **facts})


def thirds(size=30):
    mask = np.zeros((size, size), "uint8")
    mask[size // 3 :] = 1
    mask[2 * size // 3 :] = 2
    return mask


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for index in range(3):
        image = random_image(30, 30, seed=index)
        write_raster(tmp_path / "images" / f"{index}.png", image)
        write_raster(tmp_path / "masks" / f"{index}.png", thirds())
    return tmp_path / "images", tmp_path / "masks"


def test_sound_data(folders):
    report = check(*folders, model=make_model())
    assert report.ok and not report.doubts
    assert report.id_counts[:3].tolist() == [900, 900, 900]
    assert report.images_with[:3].tolist() == [3, 3, 3]
    text = str(report)
    for part in (
        "3 images, 3 masks",
        "30 x 30 pixels",
        "3 of uint8",
        "1 road",
        "33.33%",
        "void (255) 0.00%",
        "No problems found.",
    ):
        assert part in text


@pytest.mark.parametrize("attribute", [None, "kind"])
def test_labels_of_a_single_class(folders, attribute):
    report = check(*folders, model=make_model())
    assert only_class(report, attribute) is None
    report.id_counts[[0, 2]] = 0
    report.id_counts[255] = 5
    text = only_class(report, attribute)
    assert "class 1 (road)" in text
    assert ("without `class_attribute`" in text) == (attribute is not None)
    images, _ = folders
    masks = [np.full((30, 30), 2, "uint8")] * 3
    (doubt,) = (
        doubt
        for doubt in check(images, masks, num_classes=3).doubts
        if "nothing else" in doubt
    )
    assert "class 2" in doubt


def test_everything_wrong_is_listed_at_once(folders):
    images, masks = folders
    write_raster(masks / "0.png", thirds(33))
    ids = thirds()
    ids[0, 0] = 7
    write_raster(masks / "1.png", ids)
    (images / "2.png").write_bytes(b"no image")
    report = check(images, masks, num_classes=3)
    assert not report.ok
    assert [len(report.images), len(report.problems)] == [2, 3]
    text = str(report)
    assert "30x30 pixels (height x width)" in text and "33x33" in text
    assert "1.png holds class ids out of range: [7]" in text
    assert "2.png cannot be read" in text


def test_names_that_do_not_match(folders):
    (folders[1] / "1.png").unlink()
    report = check(*folders)
    assert "have no partner" in report.problems[0]
    assert "0 images" in str(report)


@pytest.mark.parametrize(
    "change, facts, problem, doubt",
    [
        (lambda x: x.astype("uint16") * 90, {}, "takes 0 to 255", None),
        (lambda x: x / np.float32(255), {}, None, "divided by 255"),
        (lambda x: x[..., :2], {}, r"takes 3 bands.*have 2", None),
        (
            lambda x: np.where(x > 250, np.nan, x).astype("float32"),
            {},
            None,
            "NaN",
        ),
        (lambda x: x, {"num_classes": 4, "class_names": None}, None, "1 of 4"),
    ],
)
def test_what_a_model_wants(change, facts, problem, doubt):
    images = [change(random_image(30, 30))]
    report = check(images, [thirds()], model=make_model(**facts))
    for texts, wanted in ((report.problems, problem), (report.doubts, doubt)):
        assert len(texts) == (wanted is not None)
        if wanted:
            import re

            assert re.search(wanted, texts[0])


def test_places_on_the_ground(tmp_path):
    from rasterio.transform import Affine

    def write(name, array, left):
        return write_raster(
            tmp_path / name,
            array,
            crs="EPSG:32631",
            transform=Affine(2, 0, left, 0, -2, 4e6),
        )

    image = write("a.tif", random_image(30, 30), 5e5)
    mask = write("b.tif", thirds(), 5e5 + 100)
    report = check([image], [mask], model=make_model())
    assert report.ok
    assert report.images[0].ground_size == pytest.approx(2)
    assert "same place" in report.doubts[0]
    assert (
        "2 m per pixel, but the model was trained at 0.5 m" in report.doubts[1]
    )


def test_a_picture_of_tiles(folders, tmp_path):
    pytest.importorskip("matplotlib")
    path = check(*folders, model=make_model()).save_picture(tmp_path / "a.png")
    assert path.stat().st_size > 5000
    with pytest.raises(ValueError, match="needs images with masks"):
        check(folders[0]).save_picture(tmp_path / "b.png")
