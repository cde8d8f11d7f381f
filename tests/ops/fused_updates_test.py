"""Kernels train like Keras' optimisers, and leave nothing behind."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops.fused_updates import fused_updates
from tests.test_case import TestCase

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.1, beta_1=0.8, epsilon=1e-3),
    "adamw": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.2),
    "amsgrad": lambda: keras.optimizers.Adam(0.1, amsgrad=True),
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(
        0.1, momentum=0.9, weight_decay=1e-2
    ),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.1),
    "clipped": lambda: keras.optimizers.AdamW(0.1, clipnorm=0.5),
    "schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(0.1, 5)
    ),
    "accumulated": lambda: keras.optimizers.AdamW(
        0.1, gradient_accumulation_steps=2
    ),
    "averaged": lambda: keras.optimizers.SGD(
        0.1, momentum=0.5, use_ema=True, ema_momentum=0.5
    ),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.AdamW(0.1), initial_scale=8.0
    ),
}

# Kernels have 1 - 0.999 in float32, Keras in float64: a difference of 5e-5.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}


def trained(make, fused, compiled=False, dtype="float32", steps=4):
    """Weights and the optimiser's own after some steps of random gradients."""
    rng = np.random.default_rng(0)
    shapes = (3, 2), (4,)
    variables = [
        keras.Variable(rng.normal(size=shape), dtype=dtype, name=f"v{i}")
        for i, shape in enumerate(shapes)
    ]
    optimizer = make()
    optimizer.exclude_from_weight_decay(var_names=["v1"])
    inner = getattr(optimizer, "inner_optimizer", None)
    if inner is not None:
        inner.exclude_from_weight_decay(var_names=["v1"])
    optimizer.build(variables)

    def apply(*gradients):
        with fused_updates(optimizer if fused else None):
            optimizer.apply(gradients, variables)

    step = apply
    if compiled:
        import tensorflow as tf

        step = tf.function(apply)
    for _ in range(steps):
        gradients = [
            ops.convert_to_tensor(rng.normal(size=shape), dtype)
            for shape in shapes
        ]
        step(*gradients)
    return [
        ops.convert_to_numpy(ops.cast(x, "float32"))
        for x in (*variables, *optimizer.variables)
    ]


class TestFusedUpdates(TestCase):
    @pytest.mark.parametrize("name", list(OPTIMIZERS))
    def test_trains_the_same(self, name):
        if name == "scaled" and keras.backend.backend() == "jax":
            pytest.skip("Keras' `apply()` of it is not for JAX")
        plain = trained(OPTIMIZERS[name], fused=False)
        found = trained(OPTIMIZERS[name], fused=True)
        assert len(plain) == len(found)
        for x, y in zip(found, plain, strict=True):
            np.testing.assert_allclose(x, y, **ROUNDING)

    @pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow"
    )
    @pytest.mark.parametrize("name", list(OPTIMIZERS))
    def test_trains_the_same_in_a_graph(self, name):
        plain = trained(OPTIMIZERS[name], fused=False)
        found = trained(OPTIMIZERS[name], fused=True, compiled=True)
        for x, y in zip(found, plain, strict=True):
            np.testing.assert_allclose(x, y, **ROUNDING)

    def test_variables_of_less_precision(self):
        plain = trained(OPTIMIZERS["adamw"], False, dtype="float16")
        found = trained(OPTIMIZERS["adamw"], True, dtype="float16")
        for x, y in zip(found, plain, strict=True):
            np.testing.assert_array_equal(x, y)

    def test_a_rule_of_ones_own_is_kept(self):
        class Sign(keras.optimizers.SGD):
            def update_step(self, gradient, variable, learning_rate):
                step = ops.sign(gradient) * ops.cast(learning_rate, "float32")
                self.assign_sub(variable, step)

        plain = trained(lambda: Sign(0.1), False)
        found = trained(lambda: Sign(0.1), True)
        for x, y in zip(found, plain, strict=True):
            np.testing.assert_array_equal(x, y)

    def test_nothing_is_left(self):
        optimizer = keras.optimizers.AdamW(0.1)
        optimizer.build([keras.Variable([1.0])])
        before = set(vars(optimizer))
        with pytest.raises(RuntimeError), fused_updates(optimizer):
            raise RuntimeError
        assert set(vars(optimizer)) == before

    @pytest.mark.skipif(
        keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow"
    )
    def test_a_variable_costs_few_operations(self):
        """What the first step waits for."""
        import tensorflow as tf

        def operations(count):
            variables = [keras.Variable([1.0]) for _ in range(count)]
            optimizer = keras.optimizers.AdamW(0.1)
            optimizer.build(variables)

            @tf.function
            def step(gradient):
                with fused_updates(optimizer):
                    optimizer.apply([gradient] * count, variables)

            graph = step.get_concrete_function(tf.ones(1)).graph
            return len(graph.get_operations())

        assert operations(11) - operations(10) <= 8
