"""What the two ISPRS benchmarks of urban semantic labelling share."""

from keras_rsseg.datasets.scene_layout import Scene
from keras_rsseg.datasets.scene_layout import WantedFile

# Borders without data and, in the eroded ground truth, everything within 3
# pixels of a boundary.
# of a boundary.
VOID_COLORS = ((0, 0, 0),)
ERODED = "eroded"
RELEASED_DESCRIPTION = (
    "Like the released converter: colours that the palette lacks, including "
    "black borders, are impervious surface."
)
ERODED_DESCRIPTION = (
    "The ground truth with boundaries eroded by 3 pixels (noBoundary): "
    "eroded pixels are void."
)
LICENCE = "ISPRS benchmark terms: research, with acknowledgement"
# Each set has its own page below it.
HOMEPAGE = "https://www.isprs.org/education/benchmarks/UrbanSemLab/"


def scenes_of(
    splits: dict[str, tuple[str, ...]],
    images: tuple[str, str],
    masks: tuple[tuple[str, ...], str],
    eroded: bool,
) -> dict[str, list[Scene]]:
    """Return the scenes of a benchmark, split by split.

    Args:
        splits: dict of the scenes' names.
        images: the folder of the images and their file name, `{}` for the
            scene's name.
        masks: the folders that the masks may lie in, and their file name
            without its ending.
        eroded: whether the masks are those with eroded boundaries.
    """
    folders, mask = masks
    if eroded:
        mask += "_noBoundary"
    return {
        split: [
            Scene(
                name,
                WantedFile(images[:1], images[1].format(name)),
                WantedFile(folders, mask.format(name) + ".tif"),
            )
            for name in names
        ]
        for split, names in splits.items()
    }
