"""For systems that differ from DANet in their context module alone.

That module has tests of its own, and each test of a system is compiled for
seconds on JAX. So DANet takes the whole of `SegmenterTester`, the others
train, save and load.
"""

from tests.models.segmenter_tester import SegmenterTester


class ContextTester(SegmenterTester):
    """Derive from it as from `SegmenterTester`."""

    test_predicts_tiles_of_any_size = None
    test_preset_with_other_arguments = None
    test_channels_first_equals_channels_last = None
    test_faster_twin_answers_the_same = None
    test_steps_in_mixed_precision_are_finite = None
