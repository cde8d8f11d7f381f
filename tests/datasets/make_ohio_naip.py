"""Makes small tiles in the layout of the tiles of Ohio."""

from tests.datasets.scene_maker import make_pair

NUMBERS = {"train": (9, 13476, 13477), "validate": (55695, 55696)}


def make(folder):
    """Write tiles below `folder`."""
    for part, numbers in NUMBERS.items():
        for number in numbers:
            make_pair(
                folder / part / "images" / f"{number}.tif",
                folder / part / "masks" / f"{number}.png",
                [*range(5), 255],
                seed=number,
            )
