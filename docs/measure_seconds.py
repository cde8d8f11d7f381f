"""Seconds per megapixel of every system, for the table of networks.

    KERAS_BACKEND=torch python -m docs.measure_seconds

adds `seconds`, per megapixel on two CPU cores with torch, to each system in
`docs/costs.json`: the faster twin on one tile of the size stated there, the
median of five calls. All systems are measured in one run, so that they can be
compared; on another machine, all of them change.
"""

import json
import statistics
import time
from typing import Any

import keras
import numpy as np

import keras_rsseg
from docs.measure_costs import COSTS
from examples.networks import build_task
from keras_rsseg import datasets
from keras_rsseg.systems import SYSTEMS

CALLS = 5


def seconds_a_megapixel(model: Any, size: int) -> float:
    """Return the median time of a call, for a million pixels.

    Args:
        model: a task.
        size: side of a tile in pixels.
    """
    twin = keras_rsseg.optimize_for_inference(model)
    tile = np.random.default_rng(0).integers(0, 256, (1, size, size, 3))
    tile = tile.astype("uint8")
    times = []
    # Earlier calls are the first and, on torch, the one that traces.
    for _ in range(5 + CALLS):
        start = time.perf_counter()
        twin.predict_on_batch(tile)
        times.append(time.perf_counter() - start)
    return statistics.median(times[-CALLS:]) / (size * size / 1e6)


def main() -> None:
    """Measure all systems and write the file."""
    facts = datasets.facts("potsdam")
    costs = json.loads(COSTS.read_text(encoding="utf-8"))
    for task, folder in SYSTEMS.items():
        model = build_task(folder, facts)
        seconds = seconds_a_megapixel(model, costs[task]["size"])
        costs[task]["seconds"] = round(seconds, 2)
        print(task, costs[task]["seconds"], flush=True)
        del model
        keras.utils.clear_session(free_memory=True)
    COSTS.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
