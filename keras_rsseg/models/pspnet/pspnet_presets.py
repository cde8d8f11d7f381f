"""Presets of `keras_rsseg.PSPNet`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.preset_texts import PROTOCOLS
from keras_rsseg.hub.preset_texts import RELEASED
from keras_rsseg.hub.preset_texts import convert_command
from keras_rsseg.hub.registry import register_presets

register_presets(
    {
        "pspnet_r50_isaid": {
            **class_legends.ISAID,
            **RELEASED,
            "handle": "hf://keras-rsseg/pspnet_r50_isaid",
            "task": "PSPNet",
            "description": (
                "PSPNet on a deep-stem ResNet-50, which PFNet was compared "
                "with, 16 classes of objects in aerial images."
            ),
            "weights_source": (
                "Checkpoint that the released PFNet code (PFSegNets) trained; "
                "none was released."
            ),
            "dataset": "isaid",
            "protocol": PROTOCOLS["isaid"],
            "parameters": 31_112_656,
            "how_to_get": {
                "convert": convert_command(
                    "convert_pfsegnets", "pspnet_r50_isaid"
                )
            },
        },
    }
)
