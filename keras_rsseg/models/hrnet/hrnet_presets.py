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
            "dataset": "Semantic segmentation of aerial imagery (Dubai)",
        },
    }
)
