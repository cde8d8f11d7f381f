"""Presets of `keras_rsseg.SemanticFPN`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.registry import register_presets

register_presets(
    {
        "semantic_fpn_r50_isaid": {
            **class_legends.ISAID,
            "handle": "hf://keras-rsseg/semantic_fpn_r50_isaid",
            "task": "SemanticFPN",
            "description": (
                "PFNet's baseline, an FPN with pyramid pooling on a "
                "deep-stem ResNet-50, 16 classes of objects in aerial images."
            ),
            "dataset": "isaid",
            "protocol": "isaid",
            "licence": "none stated with the released code",
            "weights_source": "checkpoint of the released PFNet code",
            "parameters": 31_113_936,
            "how_to_get": {
                "convert": (
                    "python weights/convert_pfsegnets.py --checkpoint "
                    "CHECKPOINT.pth --variant semantic_fpn_r50 "
                    "--num-classes 16 --output semantic_fpn_r50_isaid"
                ),
            },
        },
    }
)
