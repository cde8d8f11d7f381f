"""Presets of `keras_rsseg.SemanticFPN`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.preset_texts import PROTOCOLS
from keras_rsseg.hub.preset_texts import RELEASED
from keras_rsseg.hub.preset_texts import convert_command
from keras_rsseg.hub.preset_texts import dubai_facts
from keras_rsseg.hub.registry import register_presets


def _baseline(name, what):
    return {
        **RELEASED,
        "handle": f"hf://keras-rsseg/{name}",
        "task": "SemanticFPN",
        "description": (
            "PFNet's baseline, an FPN with pyramid pooling on a deep-stem "
            f"ResNet-50, {what}."
        ),
        "weights_source": (
            "Checkpoint that the released PFNet code (PFSegNets) trained; "
            "none was released."
        ),
        "how_to_get": {"convert": convert_command("convert_pfsegnets", name)},
    }


register_presets(
    {
        "semantic_fpn_r50_isaid": {
            **class_legends.ISAID,
            **_baseline(
                "semantic_fpn_r50_isaid",
                "16 classes of objects in aerial images",
            ),
            "dataset": "isaid",
            "protocol": PROTOCOLS["isaid"],
            "parameters": 31_113_936,
        },
        "semantic_fpn_r50_vaihingen": {
            **class_legends.VAIHINGEN,
            **_baseline(
                "semantic_fpn_r50_vaihingen",
                "6 urban classes, near infrared, red and green at 9 cm",
            ),
            "dataset": "vaihingen",
            "protocol": PROTOCOLS["isprs_768"],
            "parameters": 31_111_366,
        },
        "semantic_fpn_r50_potsdam": {
            **class_legends.POTSDAM,
            **_baseline(
                "semantic_fpn_r50_potsdam", "6 urban classes, RGB at 5 cm"
            ),
            "dataset": "potsdam",
            "protocol": PROTOCOLS["isprs_896"],
            "parameters": 31_111_366,
        },
        "semantic_fpn_r50_dubai": {
            **class_legends.DUBAI,
            **dubai_facts(
                "semantic_fpn_r50_dubai",
                "semantic_fpn",
                "FPN with pyramid pooling on a ResNet-50",
                "resnet50_imagenet",
                (0.6185, 0.8598, 0.4978, 0.6591, 0.8953),
            ),
            "task": "SemanticFPN",
            "parameters": 30_987_333,
            "size": 62_962_649,
        },
    }
)
