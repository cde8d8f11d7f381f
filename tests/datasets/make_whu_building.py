"""Makes small tiles in the layout of WHU building."""

from tests.datasets.scene_maker import make_pair

FOLDER = "3. The cropped image tiles and raster labels"
COUNTS = {"train": 3, "val": 1, "test": 2}


def make(folder):
    """Write tiles below `folder`, as the archive unpacks."""
    seed = 0
    for part, count in COUNTS.items():
        for number in range(count):
            make_pair(
                folder / FOLDER / part / "image" / f"{number}.tif",
                folder / FOLDER / part / "label" / f"{number}.tif",
                [0, 255],
                seed,
            )
            seed += 1
