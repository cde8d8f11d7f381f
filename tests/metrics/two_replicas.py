"""A process with two virtual devices, which scores and trains on both.

It prints its results as JSON; `distribution_test.py` starts it, since a
process that has used TensorFlow can no longer make virtual devices.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_rsseg import losses
from keras_rsseg import metrics


def batch():
    rng = np.random.default_rng(0)
    masks = np.repeat(rng.integers(0, 3, (6, 3, 12)), 4, axis=1)
    logits = rng.standard_normal((6, 12, 12, 3)).astype("float32")
    logits += 2 * np.eye(3, dtype="float32")[masks]
    masks[:, :2] = 255
    return masks, logits


def evaluate():
    """Scores of a model compiled under the current strategy."""
    masks, logits = batch()
    inputs = keras.Input((12, 12, 3))
    model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
    scores = metrics.SegmentationScores(3)
    model.compile(
        loss=losses.DiceLoss(),
        metrics=[scores, metrics.BoundaryF1(3, (1, 2))],
        jit_compile=False,
    )
    # Four tiles, then two: two and one on a replica.
    logs = model.evaluate(
        logits, masks, batch_size=4, verbose=0, return_dict=True
    )
    logs.pop("loss")
    return scores, logs


def anneal():
    """The annealing weights in two steps on both replicas."""
    masks, logits = batch()
    loss = losses.ForegroundAwareLoss(
        annealing_steps=4, annealing="linear", class_weights=[1, 2, 3]
    )
    inputs = keras.Input((12, 12, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile("sgd", loss=loss, metrics=[loss.annealing], jit_compile=False)
    history = model.fit(
        logits,
        masks,
        batch_size=2,
        epochs=2,
        callbacks=[losses.AdvanceAnnealing(loss)],
        verbose=0,
    ).history
    return history


def message_of(function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)
    return ""


def main():
    (cpu,) = tf.config.list_physical_devices("CPU")
    device = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(cpu, [device, device])
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        scores, found = evaluate()
        matrix = scores.confusion_matrix().tolist()
        annealed = anneal()
    alone, expected = evaluate()
    direct = [message_of(scores.update_state, *batch())]
    with strategy.scope():
        direct.append(message_of(scores.update_state, *batch()))
        direct.append(message_of(scores.merge_state, [alone]))
    report = {
        "replicas": strategy.num_replicas_in_sync,
        "found": found,
        "expected": expected,
        "matrix": matrix,
        "expected_matrix": alone.confusion_matrix().tolist(),
        "annealed": annealed,
        "direct": direct,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
