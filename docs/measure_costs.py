"""Parameters and multiply-adds of every system, for its page.

    KERAS_BACKEND=tensorflow python -m docs.measure_costs

writes `docs/costs.json`: each system for Potsdam's six classes, on its encoder
in `examples.networks` (a ResNet-50, or HRNetV2-W18), for a tile of 512 x 512
pixels, or of the only size it takes. Entries in the file are not measured
again.
"""

import json
import pathlib

import keras

from benchmarks.count_macs import count_macs
from benchmarks.count_macs import count_parameters
from examples.networks import SYSTEMS as NETWORKS
from examples.networks import build_task
from keras_rsseg import datasets
from keras_rsseg.systems import SYSTEMS

COSTS = pathlib.Path(__file__).parent / "costs.json"
SIZE = 512


def main() -> None:
    """Measure all systems and write the file."""
    facts = datasets.facts("potsdam")
    costs = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    for task, folder in SYSTEMS.items():
        if task in costs:
            continue
        network = NETWORKS[folder]
        model = build_task(folder, facts)
        shape = network.encoder_options.get("image_shape", (SIZE,))
        costs[task] = {
            "encoder": network.encoder,
            "parameters": count_parameters(model),
            "gmacs": round(count_macs(model, shape[0]) / 1e9, 1),
            "size": shape[0],
        }
        print(task, costs[task], flush=True)
        # Stored one by one, as there are many networks and little memory.
        COSTS.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")
        del model
        keras.utils.clear_session(free_memory=True)


if __name__ == "__main__":
    main()
