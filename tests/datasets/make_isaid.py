"""Makes small images in the layout of iSAID."""

from keras_rsseg.datasets import isaid
from tests.datasets.scene_maker import make_pair

TRAIN = ("P0000", "P0002", "P1527")
VALIDATION = ("P0003", "P1530")


def make(folder, masks="Semantic_masks/images"):
    """Write images below `folder`, with masks apart or beside them."""
    for part, names in (("train", TRAIN), ("val", VALIDATION)):
        for name in names:
            make_pair(
                folder / part / "images" / f"{name}.png",
                folder / part / masks / f"{name}_instance_color_RGB.png",
                isaid.FACTS.palette,
                seed=int(name[1:]),
            )
