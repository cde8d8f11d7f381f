"""Presets of `keras_rsseg.HRNet`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.preset_texts import PROTOCOLS
from keras_rsseg.hub.preset_texts import TRAINED_BY_PAPER
from keras_rsseg.hub.preset_texts import convert_command
from keras_rsseg.hub.preset_texts import dubai_facts
from keras_rsseg.hub.preset_texts import train_command
from keras_rsseg.hub.registry import register_presets


def _plain(name, description):
    return {
        "handle": f"hf://keras-rsseg/{name}",
        "task": "HRNet",
        "description": description,
        "licence": "to be stated by who trains it",
        "weights_source": (
            "Checkpoint that HRNet's released code (MIT) trained on this data "
            "set; none was released."
        ),
        "intended_use": "Comparison with HRNet with IFWM.",
        "limits": "Trained on imagery of one data set.",
        "how_to_get": {"convert": convert_command("convert_hrnet", name)},
    }


register_presets(
    {
        "hrnet_w18_dubai": {
            **class_legends.DUBAI,
            **dubai_facts(
                "hrnet_w18_dubai",
                "hrnet",
                "HRNetV2-W18",
                "hrnet_w18_coco_lvis",
                (0.6245, 0.8623, 0.5124, 0.6584, 0.8944),
            ),
            "task": "HRNet",
            "parameters": 9_637_325,
            "size": 22_497_154,
        },
        # The rest is in its card.json.
        "hrnet_ifwm_w18_dubai": {
            **class_legends.DUBAI,
            "handle": "package://hrnet_ifwm_w18_dubai",
            "task": "HRNet",
            "parameters": 9_697_435,
        },
        "hrnet_ifwm_w18_vaihingen": {
            **class_legends.VAIHINGEN,
            **TRAINED_BY_PAPER,
            "handle": "hf://keras-rsseg/hrnet_ifwm_w18_vaihingen",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18 with IFWM, 6 urban classes, near infrared, red "
                "and green at 9 cm, the split of the IFWM paper."
            ),
            "dataset": "vaihingen/ifwm",
            "protocol": PROTOCOLS["ifwm_vaihingen"],
            "parameters": 9_697_706,
            "how_to_get": {
                "train": train_command(
                    "train_hrnet_ifwm_vaihingen", "hrnet_ifwm_w18_vaihingen"
                ),
            },
        },
        "hrnet_ifwm_w18_whu_building": {
            **class_legends.WHU_BUILDING,
            **TRAINED_BY_PAPER,
            "handle": "hf://keras-rsseg/hrnet_ifwm_w18_whu_building",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18 with IFWM, buildings, RGB at 0.3 m (WHU)."
            ),
            "dataset": "whu_building",
            "protocol": PROTOCOLS["ifwm_whu"],
            "parameters": 9_696_622,
            "how_to_get": {
                "train": train_command(
                    "train_hrnet_ifwm_whu", "hrnet_ifwm_w18_whu_building"
                ),
            },
        },
        "hrnet_w18_vaihingen": {
            **class_legends.VAIHINGEN,
            **_plain(
                "hrnet_w18_vaihingen",
                "HRNetV2-W18, IFWM's baseline, 6 urban classes, near "
                "infrared, red and green at 9 cm, the split of the IFWM paper.",
            ),
            "dataset": "vaihingen/ifwm",
            "protocol": PROTOCOLS["ifwm_vaihingen"],
            "parameters": 9_637_596,
        },
        "hrnet_w18_whu_building": {
            **class_legends.WHU_BUILDING,
            **_plain(
                "hrnet_w18_whu_building",
                "HRNetV2-W18, IFWM's baseline, buildings, RGB at 0.3 m (WHU).",
            ),
            "dataset": "whu_building",
            "protocol": PROTOCOLS["ifwm_whu"],
            "parameters": 9_636_512,
        },
    }
)
