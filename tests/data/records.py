"""Records of whole images, as from TFDS."""

import numpy as np


def make_record(height, width, name="scene", classes=6, seed=0):
    """A record of random pixels without black, a tenth of it void."""
    rng = np.random.default_rng([seed, height, width])
    mask = rng.integers(0, classes, (height, width, 1), "uint8")
    mask[rng.random(mask.shape) < 0.1] = 255
    image = rng.integers(1, 255, (height, width, 3), "uint8")
    return {"image": image, "mask": mask, "name": name}


def as_dataset(records):
    """A `tf.data.Dataset` of a list of records, which can be changed."""
    import tensorflow as tf

    return tf.data.Dataset.from_generator(
        lambda: iter(records),
        output_signature={
            "image": tf.TensorSpec((None, None, 3), "uint8"),
            "mask": tf.TensorSpec((None, None, 1), "uint8"),
            "name": tf.TensorSpec((), "string"),
        },
    )
