"""Networks of the training scripts start from existing presets."""

import numpy as np

from examples import networks
from keras_rsseg.datasets.dubai import FACTS


def test_an_encoder_of_a_task(tmp_path):
    task = networks.build_task(
        "semantic_fpn", FACTS, encoder_options={"depth": 18}
    )
    task.save_to_preset(tmp_path / "task")
    task.backbone.image_encoder.save_to_preset(tmp_path / "encoder")
    expected = task.backbone.image_encoder.get_weights()
    for preset in ("task", "encoder"):
        found = networks.build_task("pspnet", FACTS, str(tmp_path / preset))
        weights = found.backbone.image_encoder.get_weights()
        for ours, theirs in zip(weights, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
