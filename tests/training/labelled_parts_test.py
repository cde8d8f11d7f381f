"""Training and held-out parts share no pixel, at one distance."""

import numpy as np
import pytest

from keras_rsseg.data import pairs
from keras_rsseg.data import read_mask
from keras_rsseg.errors import ArgumentError
from keras_rsseg.training.labelled_parts import labelled_parts
from keras_rsseg.training.labelled_parts import plain_file
from keras_rsseg.training_options import TrainingOptions
from tests.docs.documents import ROOT
from tests.training.training_files import roofs
from tests.training.training_files import write_roofs


def parts_of(images, masks, preset_distance=0.5, **options):
    options = TrainingOptions(**{"tile_size": 32, **options})
    return labelled_parts(images, masks, options, preset_distance, 2)


def images_of(parts, part):
    return list(parts.records(part))


@pytest.mark.parametrize(
    ("number", "split", "unit"),
    [(5, "auto", "images"), (2, "auto", "blocks"), (5, "block", "blocks")],
)
def test_whole_images_where_there_are_many(tmp_path, number, split, unit):
    folders = write_roofs(tmp_path, number, distance=0.5)
    parts = parts_of(*folders, split=split)
    assert parts.held_out.endswith(unit)
    area = parts.area(parts.train) + parts.area(parts.validation)
    assert area == number * 64 * 64
    assert parts.area(parts.validation) / area == pytest.approx(0.2, abs=0.1)


def test_no_pixel_is_in_both(tmp_path):
    # Every pixel has its own colour.
    image = np.arange(128 * 128, dtype="uint16").reshape(1, 128, 128, 1)
    masks = np.zeros((1, 128, 128), "uint8")
    parts = parts_of(image, masks, split="block")
    seen = [
        set(np.concatenate([r["image"].ravel() for r in images_of(parts, p)]))
        for p in (parts.train, parts.validation)
    ]
    assert not seen[0] & seen[1]
    assert len(seen[0]) + len(seen[1]) == 128 * 128


class TestDistance:
    @pytest.mark.parametrize(
        ("given", "preset", "read"),
        [
            ("auto", 0.5, 0.5),  # ten times as fine as the preset's
            ("auto", 0.08, 0.05),  # nearly the preset's
            ("auto", None, 0.05),
            (0.2, 0.5, 0.2),
            (None, 0.5, 0.05),
        ],
    )
    def test_of_files(self, tmp_path, given, preset, read):
        folders = write_roofs(
            tmp_path, 1, distance=0.05, height=1280, width=1280
        )
        parts = parts_of(
            *folders, preset, ground_sample_distance=given, split="block"
        )
        assert parts.ground_sample_distance == pytest.approx(read, rel=0.02)
        area = parts.area(parts.train) + parts.area(parts.validation)
        assert area == pytest.approx((1280 * 0.05 / read) ** 2, rel=0.05)

    def test_some_tiles_are_left(self, tmp_path):
        folders = write_roofs(tmp_path, 1, distance=0.05, height=256, width=256)
        parts = parts_of(*folders, 10.0)
        # As coarse as the preset's, 1.28 pixels would be left.
        assert parts.area(parts.train) > 10 * 32 * 32

    def test_masks_keep_their_place_and_ids(self, tmp_path):
        folders = write_roofs(tmp_path, 1, distance=0.1, height=256, width=256)
        parts = parts_of(*folders, ground_sample_distance=0.4, split="block")
        for image, mask in zip(*parts.train, strict=True):
            ids = read_mask(mask)
            assert set(np.unique(ids)) <= {0, 1}
            record = list(parts.records(([image], [mask])))[0]
            bright = record["image"].mean(-1) > 120
            assert np.mean(bright == (ids == 1)) > 0.9

    def test_of_arrays_is_not_known(self):
        images, masks = roofs(5)
        assert parts_of(images, masks).ground_sample_distance is None
        with pytest.raises(ArgumentError, match="`ground_sample_distance`"):
            parts_of(images, masks, ground_sample_distance=0.5)


def test_the_file_of_a_part_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = write_roofs(tmp_path, 1, distance=0.1, height=256, width=256)
    parts = parts_of(*folders, split="block")
    assert plain_file(parts.train[0][0]) == "images/0.tif"
    names = [
        record["name"]
        for part in (parts.train, parts.validation)
        for record in parts.records(part)
    ]
    assert "0 from row 0, column 0" in names
    assert len(set(names)) == len(names)


def test_masks_are_read_once(tmp_path, monkeypatch):
    parts = parts_of(*write_roofs(tmp_path, 5))
    seen, read = [], pairs.read_mask

    def watched(source, *args):
        seen.append(source)
        return read(source, *args)

    monkeypatch.setattr(pairs, "read_mask", watched)
    parts.missing_classes(parts.train)
    for _ in parts.tiles(parts.train, tile_size=32):
        pass
    assert len(images_of(parts, parts.train)) == 4
    files = [source for source in seen if not isinstance(source, np.ndarray)]
    assert files == parts.train[1]


def test_classes_that_a_part_lacks():
    images, masks = roofs(5)
    masks[:] = 0
    masks[0, :8] = 1
    parts = parts_of(images, masks)
    lacking = [
        parts.missing_classes(p) for p in (parts.train, parts.validation)
    ]
    assert sorted(lacking, key=len) == [set(), {1}]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_class_in_few_blocks_is_in_both_parts(seed):
    image = np.zeros((1, 128, 128, 3), "uint8")
    mask = np.zeros((1, 128, 128), "uint8")
    # In two of the 16 blocks of 32 pixels.
    mask[0, :20, :20] = mask[0, 100:, 100:] = 1
    parts = parts_of(image, mask, split="block", block_size=32, seed=seed)
    for part in (parts.train, parts.validation):
        assert not parts.missing_classes(part)


def test_unlabelled_pixels_are_void_in_every_block():
    pytest.importorskip("pyogrio")
    harbour = ROOT / "examples" / "data" / "harbour.tif"
    labels = harbour.with_name("harbour_labels.geojson")
    names = ["building", "land", "road", "vegetation", "water"]
    options = {
        "class_attribute": "class",
        "ids": {name: index for index, name in enumerate(names)},
        "tile_size": 256,
    }
    parts = labelled_parts(
        harbour, labels, TrainingOptions(**options), 0.8, len(names)
    )
    counts = sum(
        np.bincount(record["mask"].ravel(), minlength=256)
        for part in (parts.train, parts.validation)
        for record in parts.records(part)
    )
    whole = read_mask_of(harbour, labels, options)
    np.testing.assert_array_equal(counts, whole)
    # As `keras-rsseg check` says of this scene.
    assert counts[255] / counts.sum() == pytest.approx(0.53, abs=0.001)


def read_mask_of(image, labels, options):
    told = {key: options[key] for key in ("class_attribute", "ids")}
    return pairs.ImageMaskPairs(image, labels, **told).id_counts


@pytest.mark.parametrize("side", [None, 16])
def test_what_is_not_labelled_is_not_scored(side):
    image = np.zeros((1, 128, 128, 3), "uint8")
    mask = np.full((1, 128, 128), 255, "uint8")
    # A corner of four of the 16 blocks of 32 pixels.
    for row, col in ((20, 20), (20, 52), (84, 20), (116, 116)):
        mask[0, row : row + 6, col : col + 6] = 0
        mask[0, row + 6 : row + 12, col : col + 12] = 1
    parts = parts_of(image, mask, split="block", block_size=32)
    numbers = []
    for part in (parts.train, parts.validation):
        records = list(parts.records(part, side))
        assert all((record["mask"] != 255).any() for record in records)
        for record in records:
            length = 32 if side is None else side
            assert record["mask"].shape == (length, length)
            assert record["image"].shape == (length, length, 3)
        numbers.append(len(records))
    assert numbers == ([3, 1] if side is None else [1, 1])
