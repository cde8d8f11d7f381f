"""ISPRS Potsdam: 38 scenes of 6000x6000 pixels, red, green and blue.

24 scenes are for training, 14 are the official test set; without the complete
ground truth there is no test split.
"""

from keras_rsseg import class_legends
from keras_rsseg.datasets import isprs
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.datasets.scene_layout import RELEASED
from keras_rsseg.datasets.scene_layout import SceneLayout

TRAINING_SCENES = (
    *("2_10", "2_11", "2_12", "3_10", "3_11", "3_12", "4_10", "4_11"),
    *("4_12", "5_10", "5_11", "5_12", "6_7", "6_8", "6_9", "6_10"),
    *("6_11", "6_12", "7_7", "7_8", "7_9", "7_10", "7_11", "7_12"),
)
TEST_SCENES = (
    *("2_13", "2_14", "3_13", "3_14", "4_13", "4_14", "4_15", "5_13"),
    *("5_14", "5_15", "6_13", "6_14", "6_15", "7_13"),
)

FACTS = DatasetFacts(
    name="potsdam",
    title="ISPRS Potsdam 2D semantic labelling",
    **class_legends.POTSDAM,
    void_colors=isprs.VOID_COLORS,
    licence=isprs.LICENCE,
    homepage=f"{isprs.HOMEPAGE}2d-sem-label-potsdam.aspx",
    citation="""\
@article{rottensteiner2012isprs,
  title={The {ISPRS} Benchmark on Urban Object Classification and {3D}
         Building Reconstruction},
  author={Rottensteiner, Franz and Sohn, Gunho and Jung, Jaewook and
          Gerke, Markus and Baillard, Caroline and Benitez, Sebastien and
          Breitkopf, Uwe},
  journal={ISPRS Annals of the Photogrammetry, Remote Sensing and Spatial
           Information Sciences},
  volume={I-3},
  pages={293--298},
  year={2012}
}""",
)

_MASKS = ("5_Labels_all", "5_Labels_for_participants", "")
_ERODED_MASKS = (
    "5_Labels_all_noBoundary",
    "5_Labels_for_participants_no_Boundary",
    "",
)
_INSTRUCTIONS = f"""\
Request the data from {FACTS.homepage} and unpack each archive into a folder
of its name in manual_dir/potsdam:
  2_Ortho_RGB.zip
    2_Ortho_RGB/top_potsdam_2_10_RGB.tif ...
  5_Labels_all.zip, or 5_Labels_for_participants.zip without a test split
    5_Labels_all/top_potsdam_2_10_label.tif ...
and for the configuration "eroded":
  5_Labels_all_noBoundary.zip
    5_Labels_all_noBoundary/top_potsdam_2_10_label_noBoundary.tif ...
"""


def _scenes(folder, config):
    del folder
    eroded = config == isprs.ERODED
    return isprs.scenes_of(
        {"train": TRAINING_SCENES, "test": TEST_SCENES},
        ("2_Ortho_RGB", "top_potsdam_{}_RGB.tif"),
        (_ERODED_MASKS if eroded else _MASKS, "top_potsdam_{}_label"),
        eroded,
    )


LAYOUT = SceneLayout(
    facts=FACTS,
    scenes=_scenes,
    instructions=_INSTRUCTIONS,
    configs={
        RELEASED: isprs.RELEASED_DESCRIPTION,
        isprs.ERODED: isprs.ERODED_DESCRIPTION,
    },
    withheld=frozenset(TEST_SCENES),
    # As distributed, 4_12 is a lossy copy of its mask (24,850 colours, none
    # of them exact) and most cars of 6_7 are (252, 255, 0).
    inexact_scenes=frozenset({"4_12", "6_7"}),
)
