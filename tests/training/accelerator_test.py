"""GPUs are found on every backend, and CPUs do not count."""

import keras
import pytest

from keras_rsseg.training.accelerator import accelerator_name


def test_where_there_are_cpus_alone(monkeypatch):
    if keras.backend.backend() == "torch":
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    elif keras.backend.backend() == "jax":
        import jax

        if jax.default_backend() != "cpu":
            pytest.skip("has a GPU")
    else:
        monkeypatch.setattr(keras.distribution, "list_devices", lambda _: [])
    assert accelerator_name() is None


def test_a_gpu(monkeypatch):
    if keras.backend.backend() == "torch":
        import torch

        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H200")
        assert accelerator_name() == "H200"
    elif keras.backend.backend() == "tensorflow":
        monkeypatch.setattr(
            keras.distribution, "list_devices", lambda kind: [f"{kind}:0"]
        )
        assert accelerator_name() == "a GPU"
