"""The run for accelerators keeps to its time, and lists what it skipped."""

import keras
import pytest

from benchmarks import on_device

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="once, on torch, is enough"
)


def test_what_does_not_begin_in_time_is_named(capsys):
    on_device.main(["--seconds", "0"])
    printed = capsys.readouterr().out
    assert "Not begun within 0 s: pfnet_r50, forward, 4 x 896 px" in printed
    assert printed.count(";") == 5 and "predict_scene on torch" in printed


@pytest.mark.parametrize("word", ["pfnet_r50", "segnet:512", "pfnet_r50:big"])
def test_networks_have_a_size(word):
    with pytest.raises(SystemExit, match="NAME:SIZE.*hrnet_w18_ifwm"):
        on_device.trials_of([word], 4)


@pytest.mark.slow
def test_a_small_run(capsys):
    small = "--networks hrnet_w18:32 --batch-size 1 --rounds 2 --scene-side 0"
    names = ["--contenders", "pytorch channels_last", "torch"]
    on_device.main([*small.split(), *names, "--precision", "float32"])
    printed = capsys.readouterr().out
    for work in ("forward", "step"):
        row = f"| hrnet_w18, {work}, 1 x 32 px: torch "
        assert row in printed and "failed" not in printed
