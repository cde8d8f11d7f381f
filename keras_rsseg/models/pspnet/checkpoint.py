"""What PSPNet's weights are called in checkpoints of PFNet's released code."""

from typing import Any

# Patterns of our paths, and the modules there, see `weights/transfer.py`.
RULES = [
    ("pyramid_pooling/bottleneck/conv", "ppm.bottleneck.0"),
    ("pyramid_pooling/bottleneck/batch_norm", "ppm.bottleneck.1"),
    ("output/conv", "final.0"),
    ("output/batch_norm", "final.1"),
    ("classifier", "final.3"),
]
for _index, _bins in enumerate((1, 2, 3, 6)):
    _branch, _stage = f"pyramid_pooling/bin{_bins}", f"ppm.stages.{_index}"
    RULES += [
        (f"{_branch}/conv", f"{_stage}.1"),
        (f"{_branch}/batch_norm", f"{_stage}.2"),
    ]
# Strides and dilations of the encoder's stages, for output strides 8 and 16.
ENCODERS: dict[str, dict[str, Any]] = {
    "pspnet": {
        "stackwise_strides": (1, 2, 1, 1),
        "stackwise_dilations": (1, 1, 2, 4),
    },
    "pspnet_os16": {
        "stackwise_strides": (1, 2, 2, 1),
        "stackwise_dilations": (1, 1, 1, 2),
    },
}
