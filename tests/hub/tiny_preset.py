"""A preset of the package's own classes, made in a second."""

import keras_rsseg

FACTS = {
    "description": "A tiny network for tests.",
    "dataset": "Noise | with a bar.",
    "protocol": "None.",
    "score": {
        "mean_iou": 0.25,
        "data": "noise",
        "by": "the tests",
        "command": "pytest",
        "classes": {"water": 0.125},
    },
    "licence": "Apache-2.0",
    "weights_source": "Random numbers.",
    "training": "python train.py",
    "intended_use": "Tests.",
    "limits": "It knows nothing.",
}


def make_task(bands=("red", "green", "blue"), **kwargs):
    """Return an HRNet of three classes with random weights."""
    encoder = keras_rsseg.encoders.HRNetEncoder(
        width=2,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=1,
        bottleneck_filters=4,
        image_shape=(None, None, len(bands)),
    )
    cls = keras_rsseg.HRNet
    preprocessor_cls = cls.preprocessor_cls
    arguments = {
        "class_names": ["water", "road", "land"],
        "palette": [(0, 0, 255), (9, 9, 9), (0, 255, 0)],
        "preprocessor": preprocessor_cls(
            image_converter=preprocessor_cls.image_converter_cls(
                scale=[0.01 * (i + 1) for i in range(len(bands))],
                offset=[0.1 * (i - 1) for i in range(len(bands))],
                bands=bands,
                ground_sample_distance=0.5,
            )
        ),
        **kwargs,
    }
    return cls(cls.backbone_cls(encoder), num_classes=3, **arguments)
