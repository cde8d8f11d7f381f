"""Makes small images in the layout of LoveDA."""

from tests.datasets.scene_maker import make_pair

NUMBERS = {
    ("Train", "Rural"): (0, 1, 10),
    ("Train", "Urban"): (1366,),
    ("Val", "Rural"): (2522,),
    ("Val", "Urban"): (3514, 3515),
}


def make(folder):
    """Write images below `folder`, as the archives unpack."""
    for (part, area), numbers in NUMBERS.items():
        for number in numbers:
            make_pair(
                folder / part / area / "images_png" / f"{number}.png",
                folder / part / area / "masks_png" / f"{number}.png",
                list(range(8)),
                seed=number,
            )
