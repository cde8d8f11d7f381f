"""Contenders compute the same, and the runner runs."""

import keras
import numpy as np
import pytest
from keras import ops

from benchmarks import op_cases

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="once, on torch, is enough"
)


@pytest.mark.parametrize(
    "case", [case for case in op_cases.CASES if case != "point_flow"]
)
def test_operations_are_the_same(case):
    arrays = op_cases.arrays_of(case, 64, 2)
    first = [torch.tensor(x.transpose(0, 3, 1, 2).copy()) for x in arrays]
    expected = op_cases.plain_function(case)(*first).permute(0, 2, 3, 1)
    tensors = [ops.convert_to_tensor(x) for x in arrays]
    result = op_cases.package_function(case, "channels_last")(*tensors)
    scale = float(expected.abs().max())
    np.testing.assert_allclose(
        ops.convert_to_numpy(result), expected, rtol=0, atol=1e-5 * scale
    )


@pytest.mark.slow
def test_contenders_run_in_turns(capsys):
    from benchmarks.against_pytorch import contest
    from benchmarks.against_pytorch import print_table

    told = {
        "case": "adaptive_max_pool",
        "work": "forward",
        "size": 64,
        "batch_size": 1,
        "precision": "float32",
        "threads": 1,
    }
    results = contest(["pytorch", "torch"], told, rounds=3)
    assert len(results["torch"][1]) == 3
    told["case"] = "unknown"
    assert contest(["torch"], told, rounds=1) == {"torch": None}
    print_table({**results, "broken": None})
    printed = capsys.readouterr().out
    assert "| pytorch |" in printed and "1.00 (1.00 to 1.00)" in printed
    assert "| broken | failed |" in printed
