"""Parts of a scene: nothing twice, nothing missing, nothing mixed."""

import pytest

pytest.importorskip("apache_beam")

import hypothesis
import hypothesis.strategies as st
import numpy as np

from keras_rsseg.beam.shared_run import open_shared_run
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.predict_scene import predict_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

OPTIONS = {"tile_size": 32, "strip_height": 16}


@pytest.fixture
def paths(tmp_path):
    """A scene of six blocks, and where its map goes."""
    scene = write_scene(tmp_path / "scene.tif", random_scene(90, 70))
    return scene, tmp_path / "map.tif"


def open_small(paths, model=threshold_model, **options):
    options = SceneOptions.of({**OPTIONS, **options})
    return open_shared_run(model, *paths, options)


@hypothesis.given(done=st.frozensets(st.integers(0, 5)), size=st.integers(1, 7))
@hypothesis.settings(
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_units(paths, done, size):
    with open_small(paths) as run:
        units = run.units(done, size)
    assert sum(units, []) == sorted(set(range(6)) - done)
    for unit in units:
        assert len(unit) <= size
        assert unit == list(range(unit[0], unit[0] + len(unit)))


def test_parts_in_any_order(paths):
    """As on machines that do not know of each other."""
    with open_small(paths) as run:
        assert run.open_store().prepare() == frozenset()
        units = run.units((), 2)
    assert units == [[0, 1], [2, 3], [4, 5]]
    for unit in reversed(units):
        with open_small(paths) as run:
            store = run.open_store()
            store.check()
            run.predict_unit(store, unit)
            assert all(map(store.has, unit))
    with open_small(paths) as run:
        assert run.open_store().prepare() == frozenset(range(6))

    def never_called(tiles):
        raise AssertionError("all is done")

    never_called.__module__ = threshold_model.__module__
    never_called.__qualname__ = never_called.__name__ = "threshold_model"
    predict_scene(never_called, *paths, resume=True, progress=False, **OPTIONS)
    truth = threshold_classes(random_scene(90, 70))
    np.testing.assert_array_equal(read_map(paths[1])[0], truth)
    assert sorted(paths[1].parent.iterdir()) == sorted([*paths])


def test_finished_blocks_are_not_done_again(paths):
    calls = []

    def counted(tiles):
        calls.append(len(tiles))
        return threshold_model(tiles)

    with open_small(paths, counted) as run:
        store = run.open_store()
        store.prepare()
        run.predict_unit(store, [1, 2])
        before = len(calls)
        assert before
        run.predict_unit(store, [1, 2])
        assert len(calls) == before
        (store.folder / "000002.json").unlink()
        run.predict_unit(store, [1, 2])
        assert len(calls) > before


def test_another_model_on_one_of_the_machines(paths):
    """Its blocks would not fit those of the others."""

    def other(tiles):
        return threshold_model(tiles)

    with open_small(paths) as run:
        run.open_store().prepare()
    with open_small(paths, other) as run:
        with pytest.raises(ValueError, match="model.name"):
            run.open_store().check()
    with open_small(paths, overlap=0) as run:
        with pytest.raises(ValueError, match="overlap"):
            run.open_store().check()


def test_a_map_of_another_run_is_kept(paths):
    predict_scene(threshold_model, *paths, progress=False, **OPTIONS)
    with open_small(paths) as run:
        assert run.finished_counts().sum() == 90 * 70
    with pytest.raises(FileExistsError, match="overwrite"):
        with open_small(paths, overlap=0):
            pass
    with open_small(paths, overlap=0, overwrite=True) as run:
        assert run.finished_counts() is None


def test_wrong_arguments(paths):
    for options, error in [
        ({"tile_size": 0}, ValueError),
        ({"uncertainty_kind": "doubt"}, ValueError),
        ({"bands": [4]}, ValueError),
        ({"colour": "red"}, TypeError),
    ]:
        with pytest.raises(error):
            with open_small(paths, **options):
                pass
