"""Presets of `keras_rsseg.HRNet`."""

from keras_rsseg import class_legends
from keras_rsseg.hub.registry import register_presets

_SCORE = "python examples/train_dubai.py ../shared/data/dubai --score"

register_presets(
    {
        "hrnet_w18_dubai": {
            **class_legends.DUBAI,
            "handle": "package://hrnet_w18_dubai",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18, 5 land-cover classes, RGB at about 0.8 m, "
                "trained on six aerial scenes of Dubai. Ships with the "
                "package."
            ),
            "dataset": "dubai",
            "protocol": (
                "Parts 1, 2, 4, 5, 7 and 8 of every scene train, parts 3, 6 "
                "and 9 validate; random crops of 256 px."
            ),
            "licence": "Apache-2.0",
            "weights_source": (
                "HRNetV2-W18 body of paddlelabel-ml 1.0.0 (Apache-2.0), "
                "fine-tuned with examples/train_dubai.py. Kernels are stored "
                "in half precision."
            ),
            "parameters": 9_637_325,
            "training": (
                "python examples/train_dubai.py ../shared/data/dubai --system "
                "hrnet --encoder hrnet_w18_coco_lvis --steps 1500 --output "
                "hrnet_w18_dubai"
            ),
            "intended_use": (
                "A start for training on your own tiles, and a first map of "
                "desert cities."
            ),
            "limits": (
                "It knows six desert scenes. Elsewhere it confuses roads with "
                "land and dark ground with water."
            ),
            "score": {
                "mean_iou": 0.698,
                "classes": {
                    "building": 0.599,
                    "land": 0.858,
                    "road": 0.527,
                    "vegetation": 0.622,
                    "water": 0.886,
                },
                "data": (
                    "validation parts of Dubai, each pixel counted once, void "
                    "left out"
                ),
                "by": "keras_rsseg",
                "command": f"{_SCORE} hrnet_w18_dubai",
            },
        },
        "hrnet_ifwm_w18_vaihingen": {
            **class_legends.VAIHINGEN,
            "handle": "hf://keras-rsseg/hrnet_ifwm_w18_vaihingen",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18 with IFWM, 6 urban classes, near infrared, red "
                "and green at 9 cm, the split of the IFWM paper."
            ),
            "dataset": "vaihingen/ifwm",
            "protocol": "ifwm",
            "licence": "to be stated by who trains it",
            "weights_source": "none released; to be trained",
            "parameters": 9_697_706,
            "how_to_get": {
                "train": (
                    "python examples/train_hrnet_ifwm_vaihingen.py "
                    "--manual-dir FOLDER --output hrnet_ifwm_w18_vaihingen"
                ),
            },
        },
        "hrnet_ifwm_w18_whu_building": {
            **class_legends.WHU_BUILDING,
            "handle": "hf://keras-rsseg/hrnet_ifwm_w18_whu_building",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18 with IFWM, buildings, RGB at 0.3 m (WHU)."
            ),
            "dataset": "whu_building",
            "protocol": "ifwm",
            "licence": "to be stated by who trains it",
            "weights_source": "none released; to be trained",
            "parameters": 9_696_622,
            "how_to_get": {
                "train": (
                    "python examples/train_hrnet_ifwm_whu.py --manual-dir "
                    "FOLDER --output hrnet_ifwm_w18_whu_building"
                ),
            },
        },
    }
)
