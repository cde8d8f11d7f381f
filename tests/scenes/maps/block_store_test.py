"""Finished blocks survive interruptions, and become whole maps."""

import contextlib
import os

import numpy as np
import pytest

from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from tests.scenes.stored_maps import NAMES
from tests.scenes.stored_maps import SETTINGS
from tests.scenes.stored_maps import make_products
from tests.scenes.stored_maps import open_store
from tests.scenes.stored_maps import read_raster
from tests.scenes.stored_maps import write_block
from tests.scenes.stored_runs import BLOCKS
from tests.scenes.stored_runs import FOLDER
from tests.scenes.stored_runs import HEIGHT
from tests.scenes.stored_runs import PROBABILITIES
from tests.scenes.stored_runs import WIDTH
from tests.scenes.stored_runs import Stopped
from tests.scenes.stored_runs import assert_complete
from tests.scenes.stored_runs import finish
from tests.scenes.stored_runs import interrupt
from tests.scenes.stored_runs import store_of


class TestWhole:
    def test_maps_are_published(self, tmp_path):
        store = store_of(tmp_path)
        with store:
            assert store.done == frozenset()
            for block in BLOCKS:
                write_block(store, block, PROBABILITIES)
                assert block.number in store.done
            assert os.listdir(tmp_path) == [FOLDER]
            store.publish(Legend(NAMES))
        assert_complete(tmp_path)
        classes = read_raster(tmp_path / "map.tif")
        wanted = np.bincount(classes.ravel(), minlength=256)
        np.testing.assert_array_equal(store.counts, wanted)
        assert store.num_classes == 4

    def test_missing_blocks_are_no_map(self, tmp_path):
        with store_of(tmp_path) as store:
            write_block(store, BLOCKS[0], PROBABILITIES)
            with pytest.raises(RuntimeError, match="1500 of 5400 pixels"):
                store.publish(Legend(NAMES))
        assert os.listdir(tmp_path) == [FOLDER]

    def test_overwrite_replaces_what_lies_beside_too(self, tmp_path):
        map_path = tmp_path / "map.tif"
        map_path.write_bytes(b"old")
        for suffix in (".aux.xml", ".msk", ".ovr"):
            (tmp_path / f"map.tif{suffix}").write_bytes(b"old")
        finish(tmp_path, overwrite=True)
        assert_complete(tmp_path)

    def test_other_folders(self, tmp_path):
        """No folder gets files of another: they can be on other disks."""
        folders = [tmp_path / name for name in "abc"]
        for folder in folders:
            folder.mkdir()
        products = [
            make_products(folder)[number]
            for number, folder in enumerate(folders)
        ]
        with open_store(products, PROBABILITIES) as store:
            for block in BLOCKS:
                write_block(store, block, PROBABILITIES)
            store.publish(Legend(NAMES))
        for product, folder in zip(products, folders, strict=True):
            assert list(folder.iterdir()) == [product.path]


class TestResume:
    def test_an_error_keeps_finished_blocks(self, tmp_path, caplog):
        interrupt(tmp_path, 2)
        assert os.listdir(tmp_path) == [FOLDER]
        assert "2 finished blocks are kept" in caplog.text
        assert "--resume" in caplog.text
        assert finish(tmp_path, resume=True) == [2, 3]
        assert_complete(tmp_path)

    def test_an_error_before_any_block_leaves_nothing(self, tmp_path, caplog):
        interrupt(tmp_path, 0)
        assert os.listdir(tmp_path) == []
        assert caplog.text == ""

    def test_counts_and_classes_are_known_again(self, tmp_path):
        interrupt(tmp_path, 4)
        with store_of(tmp_path, resume=True) as store:
            assert store.done == {0, 1, 2, 3}
            assert store.num_classes == 4
            assert store.counts.sum() == HEIGHT * WIDTH
            legend = Legend()
            store.publish(legend)
        assert legend.names == [f"class_{i}" for i in range(4)]

    def test_nothing_to_resume(self, tmp_path):
        assert finish(tmp_path, resume=True) == [0, 1, 2, 3]
        assert_complete(tmp_path)

    def test_without_resume_all_is_new(self, tmp_path, caplog):
        interrupt(tmp_path, 3)
        caplog.clear()
        assert finish(tmp_path) == [0, 1, 2, 3]
        assert "blocks of an earlier run" in caplog.text
        assert_complete(tmp_path)

    @pytest.mark.parametrize(
        "damage",
        [
            lambda path: path.write_bytes(path.read_bytes()[:-1]),
            lambda path: path.write_bytes(path.read_bytes() + b"\0"),
            lambda path: path.write_bytes(
                path.read_bytes()[:300] + b"\7" + path.read_bytes()[301:]
            ),
            lambda path: path.write_bytes(b""),
            lambda path: path.unlink(),
        ],
    )
    @pytest.mark.parametrize("name", ["000001_uncertainty.tif", "000001.json"])
    def test_damaged_blocks_are_made_again(self, tmp_path, damage, name):
        interrupt(tmp_path, 3)
        damage(tmp_path / FOLDER / name)
        assert finish(tmp_path, resume=True) == [1, 3]
        assert_complete(tmp_path)

    def test_records_of_other_blocks_are_no_records(self, tmp_path):
        interrupt(tmp_path, 3)
        folder = tmp_path / FOLDER
        os.replace(folder / "000002.json", folder / "000007.json")
        (folder / "000009.json").write_text("[1, 2]")
        assert finish(tmp_path, resume=True) == [2, 3]
        assert_complete(tmp_path)

    def test_leftovers_are_removed(self, tmp_path):
        interrupt(tmp_path, 2)
        folder = tmp_path / FOLDER
        kept = sorted(os.listdir(folder))
        for name in (
            ".000003.json.0a1b2c3d.partial",
            "classes.tif.ovr.tmp",
            "000009_uncertainty.tif",
        ):
            (folder / name).write_bytes(b"x")
        with contextlib.suppress(Stopped), store_of(tmp_path, resume=True):
            assert sorted(os.listdir(folder)) == kept
            raise Stopped

    def test_other_settings_are_refused(self, tmp_path):
        interrupt(tmp_path, 2)
        before = sorted(os.listdir(tmp_path / FOLDER))
        settings = {"parameters": {"tile_size": 256, "flips": None}}
        with pytest.raises(ValueError) as caught:
            with store_of(tmp_path, settings, resume=True):
                raise AssertionError
        text = str(caught.value)
        assert "parameters.tile_size: 512 then, 256 now" in text
        assert "model: 'a' then, None now" in text
        # Missing and null are the same: a default that was added later.
        assert "flips" not in text and "grid" not in text
        assert sorted(os.listdir(tmp_path / FOLDER)) == before
        assert finish(tmp_path, resume=True) == [2, 3]

    def test_other_products_and_grids_are_refused(self, tmp_path):
        interrupt(tmp_path, 2)
        products = make_products(tmp_path, kind="margin")[::2]
        with pytest.raises(ValueError) as caught:
            with BlockStore(products, MapGrid(60, 91), SETTINGS, resume=True):
                raise AssertionError
        for part in (
            "grid.width: 90 then, 91 now",
            "products.uncertainty: ['uint8', 'entropy'] then",
            "products.probabilities: ['uint8', None] then, None now",
        ):
            assert part in str(caught.value)

    def test_settings_that_cannot_be_read(self, tmp_path):
        """It is unknown what the blocks belong to."""
        interrupt(tmp_path, 2)
        (tmp_path / FOLDER / "settings.json").write_text('{"format": 1')
        assert finish(tmp_path, resume=True) == [0, 1, 2, 3]
        assert_complete(tmp_path)
