"""States and outputs of the reference networks, from the shared folder."""

import importlib.util

import keras
import numpy as np

from tests.shared import shared_path
from weights.transfer import transfer

_FOLDER = ("fixtures", "networks")


def make_state_module():
    """Return the module that draws a network's state from a seed."""
    path = shared_path(*_FOLDER, "make_state.py")
    spec = importlib.util.spec_from_file_location("make_state", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_keys(network):
    """Return `{name: shape}` of a network, without counters of batches."""
    path = shared_path(*_FOLDER, "keys", f"{network}.txt")
    return {
        name: shape
        for name, shape, _ in make_state_module().read_keys(path)
        if not name.endswith("num_batches_tracked")
    }


def draw_state(network, seed, abs_sum):
    """Draw a state, and check that it is the one of the fixtures.

    Args:
        network: Name of a keys file.
        seed: Seed of the state.
        abs_sum: Sum of magnitudes that the fixtures state.

    Returns:
        Dict from name to array, without counters of batches.
    """
    module = make_state_module()
    path = shared_path(*_FOLDER, "keys", f"{network}.txt")
    state = module.make_state(path, seed)
    found = module.fingerprint(state)["abs_sum"]
    assert abs(found - abs_sum) < 1e-6 * abs_sum, "NumPy draws another state"
    return {
        name: value
        for name, value in state.items()
        if not name.endswith("num_batches_tracked")
    }


def fill(model, variant, state):
    """Give a network of a variant the tensors of a checkpoint."""
    state = variant.prepare(state)
    transfer(model, state, variant.name_of, variant.is_new)


def read_outputs(name):
    """Return a fixture's arrays, maps channels-last."""
    path = shared_path(*_FOLDER, f"{name}.npz")
    with np.load(path, allow_pickle=False) as arrays:
        return {
            key: arrays[key].transpose(0, 2, 3, 1)
            if arrays[key].ndim == 4
            else arrays[key]
            for key in arrays.files
        }


def assert_keys(model, network, name_of, added=None):
    """Assert that a model's variables are a checkpoint's tensors.

    Args:
        model: task.
        network: Name of a keys file.
        name_of: Function from a variable's path to the tensor's name.
        added: Name of a variable that the checkpoint does not have.
    """
    found = {}
    for weight in model.weights:
        shape = tuple(weight.shape)
        if len(shape) == 4:
            shape = (shape[3], shape[2], shape[0], shape[1])
        found[name_of(weight.path)] = shape
    if added is not None:
        del found[added]
    assert found == read_keys(network)


def count_trainable(model):
    """Return the number of trainable parameters."""
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def on_one_backend(*cases):
    """Return all cases on TensorFlow, the first one elsewhere.

    Names and shapes do not depend on the backend, and big networks take
    seconds to build.
    """
    return cases if keras.backend.backend() == "tensorflow" else cases[:1]


def run_layers(backbone, tiles, names):
    """Return `{name: output}` of some layers of a backbone."""
    outputs = {name: backbone.get_layer(name).output for name in names}
    return keras.Model(backbone.input, outputs)(tiles, training=False)
