"""A simulated area is mapped whole, whatever fails on the way."""

import functools

import pytest

pytest.importorskip("apache_beam")

from benchmarks import beam_simulation  # noqa: E402


class FailsFirst(beam_simulation.StandIn):
    """The first call of all processes fails."""

    def __call__(self, tiles):
        self._failures = 0.0 if self._journal.exists() else 1.0
        self._journal.touch()
        return super().__call__(tiles)


def test_runs_until_all_scenes_are_mapped(tmp_path):
    scenes = beam_simulation.make_area(tmp_path / "scenes", 2, 100)
    journal = tmp_path / "journal"
    load = functools.partial(FailsFirst, 0.0, 0.0, journal)
    count, seconds = beam_simulation.run_until_done(
        load, scenes, tmp_path, workers=2, tile_size=64
    )
    assert count == 2 and seconds > 0
    assert len(list((tmp_path / "maps").glob("*.tif"))) == 2
    # Nothing that was done is done again.
    assert journal.stat().st_size == 2 * beam_simulation.tiles_of(100, 64)
