"""Makes small areas in the layout of ISPRS Vaihingen."""

from keras_rsseg.datasets import vaihingen
from tests.datasets.scene_maker import make_pair

ARCHIVE = "ISPRS_semantic_labeling_Vaihingen"
COMPLETE = f"{ARCHIVE}_ground_truth_COMPLETE"
ERODED = f"{ARCHIVE}_ground_truth_eroded_COMPLETE"
AREAS = sorted(vaihingen.TRAINING_AREAS + vaihingen.TEST_AREAS)
COLORS = [*vaihingen.FACTS.palette, (0, 0, 0)]


def make(folder, areas=AREAS, masks=COMPLETE, eroded=ERODED):
    """Write `areas` below `folder`, as the archives unpack."""
    for area in areas:
        name = f"top_mosaic_09cm_area{area}"
        image, _ = make_pair(
            folder / "top" / f"{name}.tif",
            folder / masks / f"{name}.tif",
            COLORS,
            seed=area,
        )
        if eroded is not None:
            make_pair(
                folder / "top" / f"{name}.tif",
                folder / eroded / f"{name}_noBoundary.tif",
                COLORS,
                seed=100 + area,
                image=image,
            )
