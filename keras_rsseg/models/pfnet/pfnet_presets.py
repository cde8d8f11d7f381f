"""Presets of `keras_rsseg.PFNet`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.registry import register_presets

_RELEASED = {
    "task": "PFNet",
    "licence": "none stated with the released checkpoints",
    "weights_source": "checkpoint of the PointFlow paper's authors",
}


def _convert(variant, classes, name):
    return (
        "python weights/convert_pfsegnets.py --checkpoint "
        f"CHECKPOINT.pth --variant {variant} --num-classes {classes} "
        f"--output {name}"
    )


def _train(script, name):
    return f"python examples/{script}.py --manual-dir FOLDER --output {name}"


register_presets(
    {
        "pfnet_r50_isaid": {
            **_RELEASED,
            **class_legends.ISAID,
            "handle": "hf://keras-rsseg/pfnet_r50_isaid",
            "description": (
                "PFNet on a deep-stem ResNet-50, 16 classes of objects in "
                "aerial images."
            ),
            "dataset": "isaid",
            "protocol": "isaid",
            "parameters": 32_994_003,
            "paper_score": {
                "mean_iou": 0.669,
                "source": "PointFlow, Li et al., CVPR 2021",
            },
            "how_to_get": {
                "convert": _convert("pfnet_r50", 16, "pfnet_r50_isaid"),
                "train": _train("train_pfnet_isaid", "pfnet_r50_isaid"),
            },
        },
        "pfnet_r101_isaid": {
            **_RELEASED,
            **class_legends.ISAID,
            "handle": "hf://keras-rsseg/pfnet_r101_isaid",
            "description": (
                "PFNet on a deep-stem ResNet-101, 16 classes of objects in "
                "aerial images."
            ),
            "dataset": "isaid",
            "protocol": "isaid",
            "parameters": 51_986_131,
            "how_to_get": {
                "convert": _convert("pfnet_r101", 16, "pfnet_r101_isaid"),
            },
        },
        "pfnet_r50_vaihingen": {
            **_RELEASED,
            **class_legends.VAIHINGEN,
            "handle": "hf://keras-rsseg/pfnet_r50_vaihingen",
            "description": (
                "PFNet on a deep-stem ResNet-50, 6 urban classes, near "
                "infrared, red and green at 9 cm."
            ),
            "dataset": "vaihingen",
            "protocol": "isprs_768",
            "parameters": 32_991_433,
            "how_to_get": {
                "convert": _convert("pfnet_r50", 6, "pfnet_r50_vaihingen"),
                "train": _train("train_pfnet_vaihingen", "pfnet_r50_vaihingen"),
            },
        },
        "pfnet_r50_potsdam": {
            **_RELEASED,
            **class_legends.POTSDAM,
            "handle": "hf://keras-rsseg/pfnet_r50_potsdam",
            "description": (
                "PFNet on a deep-stem ResNet-50, 6 urban classes, RGB at 5 cm."
            ),
            "dataset": "potsdam",
            "protocol": "isprs_896",
            "parameters": 32_991_433,
            "how_to_get": {
                # The grid of points that its evaluation used.
                "convert": _convert("pfnet_r50", 6, "pfnet_r50_potsdam")
                + " --max-pool-size 9",
                "train": _train("train_pfnet_potsdam", "pfnet_r50_potsdam"),
            },
        },
    }
)
