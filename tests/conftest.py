"""Settings of all tests: one seed, default policies, no leftovers."""

import os
import pathlib

# Set before Keras is imported: the backend is fixed at import, and
# TensorFlow's notes on the CPU's instructions would drown a failure.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

if os.environ["KERAS_BACKEND"] == "jax":
    # The tests compile thousands of small programs and run each once. Without
    # the fusion emitters, this takes half of the time.
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_backend_optimization_level=0 "
        "--xla_cpu_use_fusion_emitters=false "
        "--xla_cpu_parallel_codegen_split_count=1",
    )
    # Many of those programs are equal: one worker compiles, all others read.
    _cache = pathlib.Path(__file__).parents[1] / ".pytest_cache" / "jax"
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_cache))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import hypothesis
import keras
import pytest

from tests.layers.compiled import are_arrays
from tests.layers.compiled import call
from tests.shared import shared_root
from tests.slow_tests import slow_tests

# Derandomised: a failure in CI is the same failure on a desk. The first
# example of a geometry compiles a graph, so there is no deadline.
hypothesis.settings.register_profile(
    "keras_rsseg",
    deadline=None,
    derandomize=True,
    max_examples=25,
    database=None,
)
hypothesis.settings.load_profile("keras_rsseg")


def pytest_report_header():
    """Name the settings that decide which tests run."""
    root = shared_root()
    state = "found" if root.is_dir() else "absent, its tests are skipped"
    return [
        f"keras {keras.__version__} on {keras.backend.backend()}",
        f"KERAS_RSSEG_SHARED: {root} ({state})",
    ]


def pytest_collection_modifyitems(items):
    """Mark the tests that were measured or declared to be slow."""
    listed = slow_tests(keras.backend.backend())
    for item in items:
        stated = getattr(item.cls, "slow_tests", ())
        if item.nodeid in listed or item.originalname in stated:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def whole_networks(monkeypatch):
    """Have JAX compile a network that a test calls as one program.

    It would compile each operation separately, some hundred of them.
    """
    if keras.backend.backend() == "jax":
        call_layer = keras.layers.Layer.__call__

        def call_network(network, *inputs, **options):
            whole = network.built and set(options) <= {"training"}
            if not whole or not are_arrays(inputs):
                return call_layer(network, *inputs, **options)
            return call(network, *inputs, **options)

        monkeypatch.setattr(keras.Model, "__call__", call_network)


@pytest.fixture(autouse=True)
def fresh_keras():
    """Give each test the same seed and undo its global settings."""
    keras.utils.set_random_seed(0)
    policy = keras.config.dtype_policy()
    data_format = keras.config.image_data_format()
    yield
    keras.config.set_dtype_policy(policy)
    keras.config.set_image_data_format(data_format)
    keras.utils.clear_session(free_memory=False)
