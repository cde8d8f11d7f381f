"""Makes small parts in the layout of the scenes of Dubai."""

from keras_rsseg.datasets import dubai
from tests.datasets.scene_maker import make_pair

COLORS = [*dubai.FACTS.palette, *dubai.FACTS.void_colors]


def make(folder, tile="tile_{}"):
    """Write all parts of all scenes below `folder`."""
    for scene in dubai.SCENES:
        for part in range(1, 10):
            name = f"image_part_{part:03d}"
            place = folder / tile.format(scene)
            make_pair(
                place / "images" / f"{name}.jpg",
                place / "masks" / f"{name}.png",
                COLORS,
                seed=10 * scene + part,
            )
