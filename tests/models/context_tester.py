"""For systems that differ from another in little but their context module.

Each test of a system takes seconds to compile on JAX. DANet, HRNet, PFNet and
SemanticFPN always run all of `SegmenterTester`; the others train, save and load
(they train on torch, which needs no compilation), and leave the rest to the
slow tests.
"""

import keras

from tests.models.segmenter_tester import SegmenterTester


class ContextTester(SegmenterTester):
    """Derive from it as from `SegmenterTester`."""

    slow_tests = (
        "test_predicts_tiles_of_any_size",
        "test_preset_with_other_arguments",
        "test_channels_first_equals_channels_last",
        "test_faster_twin_answers_the_same",
        "test_steps_in_mixed_precision_are_finite",
    )
    if keras.backend.backend() != "torch":
        slow_tests += ("test_trains_and_is_the_same_after_loading",)
