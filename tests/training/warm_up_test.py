"""The learning rate rises gently, and ends at 0."""

import keras
import numpy as np
import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.training.warm_up import WarmUpDecay


def rates(peak, steps):
    schedule = WarmUpDecay(peak, steps)
    return [float(schedule(step)) for step in range(steps + 1)]


@pytest.mark.parametrize(
    ("steps", "warm_up"),
    [(1, 0), (2, 1), (4, 2), (30, 10), (400, 40), (10_000, 500)],
)
def test_a_share_of_the_steps_within_bounds(steps, warm_up):
    assert WarmUpDecay(1e-3, steps).warm_up_steps == warm_up


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 50, 300])
def test_up_and_down(steps):
    found = rates(1e-3, steps)
    highest = int(np.argmax(found))
    assert highest <= max(1, WarmUpDecay(1e-3, steps).warm_up_steps)
    assert all(np.diff(found[: highest + 1]) > 0)
    assert all(np.diff(found[highest:]) < 0)
    assert found[-1] == 0 and max(found) <= 1e-3 * (1 + 1e-6)
    # Every step learns something, and most of them at nearly the peak.
    assert min(found[:-1]) > 0
    assert max(found) > 0.5e-3


def test_the_first_steps_are_small():
    found = rates(1e-3, 300)
    assert found[0] < 0.04e-3
    np.testing.assert_allclose(found[14] / found[6], 15 / 7, rtol=0.05)


def test_it_may_go_on_beyond_its_end():
    assert float(WarmUpDecay(1e-3, 4)(9)) == 0


def test_no_steps_are_refused():
    with pytest.raises(ArgumentError, match="`steps`"):
        WarmUpDecay(1e-3, 0)


def test_it_is_saved():
    saved = keras.saving.serialize_keras_object(WarmUpDecay(1e-3, 40))
    loaded = keras.saving.deserialize_keras_object(saved)
    assert float(loaded(3)) == float(WarmUpDecay(1e-3, 40)(3))
