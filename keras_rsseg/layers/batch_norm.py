import keras

from keras_rsseg.ops.batch_norm import batch_norm


@keras.saving.register_keras_serializable(package="keras_rsseg")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalization as PyTorch has it, with native kernels.

    It differs from `keras.layers.BatchNormalization` in its defaults, in the
    moving variance, which is that of unbiased estimates as in the released
    networks, and in speed (see `keras_rsseg.ops.batch_norm`). Weights are
    the same.

    Args:
        axis: int. The channels' axis. Defaults to `-1`.
        momentum: float. Momentum of the moving statistics. Defaults to
            `0.9`, which PyTorch calls 0.1.
        epsilon: float. Added to the variance. Defaults to `1e-5`.
        **kwargs: other keyword arguments of
            `keras.layers.BatchNormalization`, except `renorm` and
            `synchronized`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`.
        training: bool. Whether to use and gather the batch's statistics.

    Returns:
        Tensor like `inputs`.

    Example:

    ```python
    layer = keras_rsseg.layers.BatchNorm()
    layer(np.ones((2, 8, 8, 3), "float32"), training=True)  # zeros
    ```
    """

    def __init__(self, axis=-1, momentum=0.9, epsilon=1e-5, **kwargs):
        super().__init__(
            axis=axis, momentum=momentum, epsilon=epsilon, **kwargs
        )

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = batch_norm(
            inputs, self.gamma, self.beta, self.epsilon, self.axis
        )
        for moving, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            moving.assign(
                moving * self.momentum + batch * (1.0 - self.momentum)
            )
        return outputs
