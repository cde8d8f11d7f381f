"""Presets of `keras_rsseg.HRNet`."""

from keras_rsseg.hub.registry import register_presets

register_presets(
    {
        "hrnet_w18_dubai": {
            "handle": "package://hrnet_w18_dubai",
            "task": "HRNet",
            "description": (
                "HRNetV2-W18, 5 land-cover classes, RGB at about 0.8 m, "
                "trained on six aerial scenes of Dubai. Ships with the "
                "package."
            ),
            "class_names": ["building", "land", "road", "vegetation", "water"],
            "bands": ["red", "green", "blue"],
            "ground_sample_distance": 0.8,
            "score": "validation mean IoU 0.698 (own measurement)",
            "licence": "Apache-2.0",
            "weights_source": (
                "HRNetV2-W18 body of paddlelabel-ml 1.0.0 (Apache-2.0), "
                "fine-tuned with examples/train_dubai.py"
            ),
            "dataset": "Semantic segmentation of aerial imagery (Dubai)",
        },
    }
)
