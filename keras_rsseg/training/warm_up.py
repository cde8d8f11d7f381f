"""The learning rate of a training: up from almost nothing, down to 0."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_positive

# Steps of the warm-up: a tenth of all, within these bounds, and never more
# than half of them.
_SHARE, _FEWEST, _MOST = 0.1, 10, 500
_POWER = 0.9


@keras.saving.register_keras_serializable(package="keras_rsseg")
class WarmUpDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, and a polynomial decay to 0.

    Adam divides a gradient by its size, of which it knows nothing yet: in
    its first steps every weight moves by the whole learning rate, whatever
    its gradient. A trained network does not survive that, so these steps are
    small. The warm-up takes a tenth of all steps, 10 to 500, and at most
    half of them.

    Args:
        peak: float, the highest learning rate.
        steps: int, the number of all steps.

    Attributes:
        warm_up_steps: int, the steps after which the rate is at its peak.

    Example:

    ```python
    schedule = keras_rsseg.training.WarmUpDecay(1e-4, steps=100)
    schedule.warm_up_steps  # 10
    float(schedule(0)) < 1e-5 < float(schedule(10)) < 1e-4  # True
    optimizer = keras.optimizers.AdamW(schedule)
    ```
    """

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self.peak, self.steps = float(peak), check_positive("steps", steps)
        wanted = min(max(round(steps * _SHARE), _FEWEST), _MOST)
        self.warm_up_steps = min(wanted, steps // 2)

    def __call__(self, step: Any) -> Any:
        step = ops.cast(step, "float32")
        # The first step also moves weights.
        rise = ops.minimum((step + 1) / (self.warm_up_steps + 1), 1.0)
        left = ops.maximum(1 - step / self.steps, 0.0)
        return self.peak * rise * left**_POWER

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"peak": self.peak, "steps": self.steps}
