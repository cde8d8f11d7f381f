"""A thousand scenes with the same fault make one warning."""

import logging
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from keras_rsseg.scenes.many.scene_list import list_scenes
from keras_rsseg.scenes.many.scene_warnings import one_of_a_kind
from keras_rsseg.scenes.predict_scenes import predict_scenes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

logger = logging.getLogger("keras_rsseg.scenes.somewhere")


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


def warn(number):
    logger.warning("one kind, %s", number)
    logger.warning("another line")


def test_the_first_of_a_kind_and_who_else(caplog):
    with one_of_a_kind() as warnings:
        for number in range(6):
            warnings.scene = f"{number}.tif"
            warn(number)
            warn(number)
            logger.error("fails %s", number)
    assert messages(caplog) == [
        "one kind, 0",
        "another line",
        *(f"fails {number}" for number in range(6)),
        "Also for 1.tif, 2.tif, 3.tif and 2 more scenes: one kind, 0",
        "Also for 1.tif, 2.tif, 3.tif and 2 more scenes: another line",
    ]
    logger.warning("as ever")
    assert messages(caplog)[-1] == "as ever"


def test_whatever_ends_the_run(caplog):
    with pytest.raises(KeyboardInterrupt), one_of_a_kind() as warnings:
        for warnings.scene in ("a.tif", "b.tif"):
            warn(warnings.scene)
        raise KeyboardInterrupt
    assert messages(caplog)[-1] == "Also for b.tif: another line"
    assert logging.getLogger("keras_rsseg").propagate


def test_empty_scenes(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for name in "abcde":
        pixels = np.zeros((3, 20, 20), "uint8")
        write_scene(tmp_path / f"in/{name}.tif", pixels, nodata=0)
    jobs = list_scenes(["in"], "maps")
    predict_scenes(threshold_model, jobs, tile_size=32, progress=False)
    (first, others) = [
        text for text in messages(caplog) if "no valid pixel" in text
    ]
    assert not first.startswith("Also")
    assert others.startswith("Also for in/b.tif, in/c.tif, in/d.tif and 1 more")
    caplog.clear()
    predict_scenes(
        threshold_model, jobs[:1], tile_size=32, progress=False, overwrite=True
    )
    assert any("no valid pixel" in text for text in messages(caplog))


def test_warnings_of_python(tmp_path, monkeypatch):
    """They are also grouped; each thread is about its own scene."""
    monkeypatch.chdir(tmp_path)
    names = ["a.tif", "b.tif", "c.tif"]
    for name in names:
        write_scene(tmp_path / name, random_scene(300, 300), nodata=None)
        with rasterio.open(tmp_path / name, "r+") as dataset:
            dataset.write(
                np.zeros((3, 40, 40), "uint8"), window=Window(0, 0, 40, 40)
            )
    with pytest.warns(UserWarning, match="corner") as told:
        predict_scenes(
            threshold_model, list_scenes(names, "maps"), progress=False
        )
    first, others = [str(each.message) for each in told]
    assert first.startswith("A corner of a.tif is plain black")
    assert others.startswith("Also for b.tif, c.tif: A corner of a.tif")
    before = warnings.showwarning
    with one_of_a_kind() as found, found.about("a.tif"):
        assert warnings.showwarning != before
    assert warnings.showwarning == before


def test_threads(caplog):
    with one_of_a_kind() as found, ThreadPoolExecutor(4) as pool:

        def work(number):
            with found.about(f"{number}.tif"):
                time.sleep(0.01)
                warn(number)

        list(pool.map(work, range(4)))
    (first, other) = [text for text in messages(caplog) if "one kind" in text]
    number = first.removeprefix("one kind, ")
    rest = [f"{each}.tif" for each in range(4) if str(each) != number]
    listed = other.removeprefix("Also for ").split(": ")[0]
    assert sorted(listed.split(", ")) == rest
