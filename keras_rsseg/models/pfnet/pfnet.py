import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from keras_rsseg.models.pfnet.pfnet_backbone import PFNetBackbone
from keras_rsseg.models.pfnet.pfnet_preprocessor import PFNetPreprocessor
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.ops.boundary import boundary_band
from keras_rsseg.ops.resize import resize
from keras_rsseg.void import VOID

# Weight of the boundary loss of each level, whether it is balanced, and what
# it takes for a boundary.
_RECIPES = {
    "released": (25.0, True, "background"),
    "paper": (1.0, False, "classes"),
}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PFNet(Segmenter):
    """PointFlow network for aerial images.

    See `keras_rsseg.models.Segmenter` for arguments, inputs and outputs.
    While training, the boundary logits that the backbone has, by default of
    three levels, are compared with boundaries that the loss derives from the
    mask, and their losses are added; `predict()` and
    `evaluate()` know the class logits alone, so that a validation loss is
    the segmentation loss.

    Example:

    ```python
    encoder = keras_rsseg.encoders.ResNetEncoder(
        50, stem="deep", stackwise_dilations=(1, 1, 2, 4)
    )
    model = keras_rsseg.PFNet(
        keras_rsseg.models.PFNetBackbone(encoder), num_classes=16
    )
    tiles = np.zeros((2, 128, 128, 3), "uint8")
    masks = np.zeros((2, 128, 128), "int32")
    model.fit(tiles, masks, epochs=1)
    ```

    Reference:
        - [Li et al., PointFlow: Flowing Semantics Through Points for Aerial
          Image Segmentation, 2021](https://arxiv.org/abs/2103.06564)
    """

    backbone_cls = PFNetBackbone
    preprocessor_cls = PFNetPreprocessor

    def training_outputs(self, logits, backbone_outputs):
        boundary_logits = backbone_outputs["boundary_logits"]
        if not boundary_logits:
            return None
        return {"logits": logits, "boundary_logits": boundary_logits}

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        metrics="auto",
        recipe="released",
        boundaries=None,
        **kwargs,
    ):
        """Configures training, by default with the released recipe.

        Args:
            optimizer: see `keras_rsseg.models.Segmenter.compile`.
            loss: `"auto"` is the recipe's segmentation loss.
            metrics: see `keras_rsseg.models.Segmenter.compile`.
            recipe: `"released"`, as the published weights were trained:
                cross-entropy of hard pixels (OHEM) and, weighted 25, the
                class-balanced boundary cross-entropy of each level; or
                `"paper"`, as the text has it: plain cross-entropy for both,
                each weighted 1. For land cover take the latter: on aerial
                scenes of Dubai it scored a mean IoU of 0.69, not 0.61.
            boundaries: what the boundary branch learns: `"background"`, the
                outlines of all that is not class 0, cut at the border of
                the tile, as released for iSAID, whose class 0 is the
                background; or `"classes"`, the boundaries between any two
                classes, for land cover, void left out. Defaults to
                `"background"` in the released recipe and to `"classes"` in
                the paper's, which does not say.
            **kwargs: other keyword arguments of `keras.Model.compile`.
        """
        if recipe not in _RECIPES:
            raise ArgumentError(
                f"`recipe` must be one of {sorted(_RECIPES)}. Received: "
                f"recipe={recipe!r}"
            )
        self.recipe = recipe
        self.boundary_weight, balanced, default = _RECIPES[recipe]
        self.boundaries = boundaries or default
        if self.boundaries not in ("background", "classes"):
            raise ArgumentError(
                "`boundaries` must be 'background', 'classes' or None. "
                f"Received: boundaries={boundaries!r}"
            )
        self.boundary_loss = BoundaryCrossEntropy(class_balanced=balanced)
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def get_compile_config(self):
        config = super().get_compile_config()
        own = {"recipe": self.recipe, "boundaries": self.boundaries}
        return config and {**config, **own}

    def default_loss(self):
        """The segmentation loss of the recipe."""
        if self.recipe == "released":
            return OhemCrossEntropy(ignore_class=VOID)
        return super().default_loss()

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        if not isinstance(y_pred, dict):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        loss = super().compute_loss(
            x, y, y_pred["logits"], sample_weight, training
        )
        # On the device, from the mask as it comes out of the augmentation.
        target = boundary_band(
            y,
            # As released, void is foreground.
            void=VOID if self.boundaries == "classes" else None,
            between=self.boundaries,
        )
        size = keras.ops.shape(target)[1:3]
        for logits in y_pred["boundary_logits"]:
            if self.backbone.data_format == "channels_first":
                logits = keras.ops.transpose(logits, (0, 2, 3, 1))
            logits = resize(
                keras.ops.cast(logits, "float32"),
                size,
                align_corners=True,
                data_format="channels_last",
            )
            loss += self.boundary_weight * self.boundary_loss(target, logits)
        return loss
