"""ISPRS Vaihingen: 33 areas of near infrared, red and green.

16 areas are for training, those that participants of the contest got labels
for. The other 17 are the official test set; without the complete ground truth
there is no test split. The IFWM paper divides the 16 instead.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets import isprs
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import RELEASED
from keras_rsseg.datasets.scene_layout import SceneLayout

IFWM = "ifwm"
TRAINING_AREAS = (1, 3, 5, 7, 11, 13, 15, 17, 21, 23, 26, 28, 30, 32, 34, 37)
TEST_AREAS = (2, 4, 6, 8, 10, 12, 14, 16, 20, 22, 24, 27, 29, 31, 33, 35, 38)
IFWM_TEST_AREAS = (11, 15, 28, 30, 34)

FACTS = DatasetFacts(
    name="vaihingen",
    title="ISPRS Vaihingen 2D semantic labelling",
    **class_legends.VAIHINGEN,
    void_colors=isprs.VOID_COLORS,
    licence=isprs.LICENCE,
    homepage=f"{isprs.HOMEPAGE}2d-sem-label-vaihingen.aspx",
    citation="""\
@article{cramer2010dgpf,
  title={The {DGPF}-Test on Digital Airborne Camera Evaluation -- Overview
         and Test Design},
  author={Cramer, Michael},
  journal={Photogrammetrie -- Fernerkundung -- Geoinformation},
  number={2},
  pages={73--82},
  year={2010}
}""",
)

# The archives of ground truth hold no folder: unpacked beside `top`, their
# files are in the data set's own folder.
_ARCHIVE = "ISPRS_semantic_labeling_Vaihingen"
_MASKS = (f"{_ARCHIVE}_ground_truth_COMPLETE", "gts_for_participants", "")
_ERODED_MASKS = (
    f"{_ARCHIVE}_ground_truth_eroded_COMPLETE",
    f"{_ARCHIVE}_ground_truth_eroded_for_participants",
    "gts_eroded_for_participants",
    "",
)
_INSTRUCTIONS = f"""\
Request the data from {FACTS.homepage} and unpack into
manual_dir/vaihingen:
  {_ARCHIVE}.zip
    top/top_mosaic_09cm_area1.tif ..., gts_for_participants/
  {_ARCHIVE}_ground_truth_COMPLETE.zip
    top_mosaic_09cm_area1.tif ..., for the test split; into a folder of the
    archive's name
and for the configuration "eroded":
  {_ARCHIVE}_ground_truth_eroded_COMPLETE.zip
    top_mosaic_09cm_area1_noBoundary.tif ...
"""


def _names(areas):
    return tuple(f"area{area}" for area in areas)


def _scenes(folder, config):
    del folder
    training: tuple[int, ...] = TRAINING_AREAS
    test: tuple[int, ...] = TEST_AREAS
    if config == IFWM:
        test = IFWM_TEST_AREAS
        training = tuple(area for area in training if area not in test)
    eroded = config == isprs.ERODED
    return isprs.scenes_of(
        {"train": _names(training), "test": _names(test)},
        ("top", "top_mosaic_09cm_{}.tif"),
        (_ERODED_MASKS if eroded else _MASKS, "top_mosaic_09cm_{}"),
        eroded,
    )


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    configs={
        RELEASED: isprs.RELEASED_DESCRIPTION,
        IFWM: (
            "The IFWM paper's split of the 16 areas labelled for "
            "participants: 11, 15, 28, 30 and 34 test, the others train."
        ),
        isprs.ERODED: isprs.ERODED_DESCRIPTION,
    },
    withheld=frozenset(_names(TEST_AREAS)),
    roots=(_ARCHIVE,),
)
