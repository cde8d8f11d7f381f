"""What `tf.distribute` would do silently to the state of a metric."""

import keras

from keras_rsseg.errors import ArgumentError


def refuse_update_across_replicas(
    variable: keras.Variable, owner: object
) -> None:
    """Raises if an assignment would be split over replicas and rounded.

    A metric's variable made under a `tf.distribute` strategy is the sum of
    the replicas' values. An assignment outside `strategy.run` gives each
    replica its part, and integer parts lose the remainder. `fit` and
    `evaluate` update inside. On other backends there is nothing to do.

    Args:
        variable: `keras.Variable`, aggregated by sum.
        owner: The object it belongs to, for the message.

    Raises:
        ArgumentError: If called eagerly, outside `strategy.run`, for a
            variable of several replicas.
    """
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    value = variable.value
    # Keras traces a metric outside `run` once, to build it: no update.
    if not tf.executing_eagerly() or not isinstance(
        value, tf.distribute.DistributedValues
    ):
        return
    inside = tf.distribute.has_strategy() and (
        not tf.distribute.in_cross_replica_context()
    )
    if not inside and value.distribute_strategy.num_replicas_in_sync > 1:
        raise ArgumentError(
            f"{type(owner).__name__} was made under a `tf.distribute` "
            "strategy, so update it inside `strategy.run` (as `fit` and "
            "`evaluate` do). To update it directly, make it outside "
            "`strategy.scope()`"
        )
