"""Makes small scenes in the layout of ISPRS Potsdam."""

from keras_rsseg.datasets import potsdam
from tests.datasets.scene_maker import make_pair

SCENES = potsdam.TRAINING_SCENES + potsdam.TEST_SCENES
COLORS = [*potsdam.FACTS.palette, (0, 0, 0)]


def make(folder, scenes=SCENES, masks="5_Labels_all"):
    """Write `scenes` below `folder`, as the archives unpack."""
    for seed, scene in enumerate(scenes):
        name = f"top_potsdam_{scene}"
        image, _ = make_pair(
            folder / "2_Ortho_RGB" / f"{name}_RGB.tif",
            folder / masks / f"{name}_label.tif",
            COLORS,
            seed,
        )
        make_pair(
            folder / "2_Ortho_RGB" / f"{name}_RGB.tif",
            folder / f"{masks}_noBoundary" / f"{name}_label_noBoundary.tif",
            COLORS,
            100 + seed,
            image=image,
        )
