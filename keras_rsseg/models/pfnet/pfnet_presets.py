"""Presets of `keras_rsseg.PFNet`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.preset_texts import PROTOCOLS
from keras_rsseg.hub.preset_texts import RELEASED
from keras_rsseg.hub.preset_texts import convert_command
from keras_rsseg.hub.preset_texts import dubai_facts
from keras_rsseg.hub.preset_texts import train_command
from keras_rsseg.hub.registry import register_presets


def _released(name, description, script=None):
    commands = {"convert": convert_command("convert_pfsegnets", name)}
    if script:
        commands["train"] = train_command(script, name)
    return {
        **RELEASED,
        "task": "PFNet",
        "handle": f"hf://keras-rsseg/{name}",
        "description": description,
        "how_to_get": commands,
    }


register_presets(
    {
        "pfnet_r50_isaid": {
            **class_legends.ISAID,
            **_released(
                "pfnet_r50_isaid",
                "PFNet on a deep-stem ResNet-50, 16 classes of objects in "
                "aerial images.",
                "train_pfnet_isaid",
            ),
            "dataset": "isaid",
            "protocol": PROTOCOLS["isaid"],
            "parameters": 32_994_003,
            "paper_score": {
                "mean_iou": 0.669,
                "source": "PointFlow, Li et al., CVPR 2021",
            },
        },
        "pfnet_r101_isaid": {
            **class_legends.ISAID,
            **_released(
                "pfnet_r101_isaid",
                "PFNet on a deep-stem ResNet-101, 16 classes of objects in "
                "aerial images.",
            ),
            "weights_source": (
                "Checkpoint that the released PFNet code (PFSegNets) trained; "
                "those released are of a ResNet-50."
            ),
            "dataset": "isaid",
            "protocol": PROTOCOLS["isaid"],
            "parameters": 51_986_131,
        },
        "pfnet_r50_vaihingen": {
            **class_legends.VAIHINGEN,
            **_released(
                "pfnet_r50_vaihingen",
                "PFNet on a deep-stem ResNet-50, 6 urban classes, near "
                "infrared, red and green at 9 cm.",
                "train_pfnet_vaihingen",
            ),
            "dataset": "vaihingen",
            "protocol": PROTOCOLS["isprs_768"],
            "parameters": 32_991_433,
        },
        "pfnet_r50_potsdam": {
            **class_legends.POTSDAM,
            **_released(
                "pfnet_r50_potsdam",
                "PFNet on a deep-stem ResNet-50, 6 urban classes, RGB at 5 cm.",
                "train_pfnet_potsdam",
            ),
            "dataset": "potsdam",
            "protocol": PROTOCOLS["isprs_896"],
            "parameters": 32_991_433,
        },
        "pfnet_r50_dubai": {
            **class_legends.DUBAI,
            **dubai_facts(
                "pfnet_r50_dubai",
                "pfnet",
                "PFNet on a ResNet-50",
                "resnet50_imagenet",
                (0.5982, 0.8544, 0.4751, 0.6150, 0.8982),
                steps=800,
                tile_size=256,
                others=" --data-format channels_first",
            ),
            "task": "PFNet",
            "parameters": 32_867_400,
            "size": 66_792_889,
        },
        "pfnet_hrnet_ifwm_w18_dubai": {
            **class_legends.DUBAI,
            **dubai_facts(
                "pfnet_hrnet_ifwm_w18_dubai",
                "pfnet_hrnet_ifwm",
                "PFNet's decoder (128 channels) on an HRNetV2-W18 with IFWM",
                "hrnet_w18_coco_lvis",
                (0.4863, 0.8333, 0.4188, 0.3175, 0.7550),
                others=" --recipe released",
            ),
            "task": "PFNet",
            "parameters": 11_332_074,
            "size": 26_153_581,
        },
    }
)
