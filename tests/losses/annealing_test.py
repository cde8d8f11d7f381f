"""The weight falls as in the paper's three schedules."""

import numpy as np
import pytest

from keras_rsseg.losses.annealing import Annealing
from tests.test_case import TestCase
from tests.test_case import to_numpy

SCHEDULES = {
    "linear": [1, 0.75, 0.5, 0, 0],
    "poly": [1, 0.75**0.9, 0.5**0.9, 0, 0],
    "cosine": [1, (1 + 0.5**0.5) / 2, 0.5, 0, 0],
}


class TestAnnealing(TestCase):
    @pytest.mark.parametrize("schedule", SCHEDULES)
    def test_schedules(self, schedule):
        annealing = Annealing(1000, schedule)
        for done, expected in zip(
            (0, 250, 500, 1000, 5000), SCHEDULES[schedule], strict=True
        ):
            annealing.step.assign(done)
            actual = to_numpy(annealing.result())
            np.testing.assert_allclose(actual, expected, atol=1e-6)

    def test_epochs_and_batches_leave_it_alone(self):
        annealing = Annealing(10, "linear")
        annealing.step.assign(3)
        annealing.update_state(np.ones(2), np.ones(2), sample_weight=None)
        annealing.reset_state()
        assert float(to_numpy(annealing.step)) == 3

    def test_config_round_trip(self):
        self.run_config_test(Annealing, {"steps": 5, "schedule": "poly"})
