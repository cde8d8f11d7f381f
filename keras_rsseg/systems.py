"""The systems of `keras_rsseg.models`: one row each.

Every list of systems comes from this table: the names of `keras_rsseg` and
`keras_rsseg.models`, the networks of `examples`, the variants of `weights`,
the table in README, and the tests that every system has to pass. It imports
nothing, so `import keras_rsseg` need not wait for Keras.
"""

# A task and its folder: `CCNet` is in `keras_rsseg/models/ccnet/ccnet.py`,
# beside its `CCNetBackbone`.
SYSTEMS: dict[str, str] = {
    "CCNet": "ccnet",
    "DANet": "danet",
    "DGMN": "dgmn",
    "DeepLabV3": "deeplab_v3",
    "DeepLabV3Plus": "deeplab_v3_plus",
    "DenseASPP": "denseaspp",
    "EMANet": "emanet",
    "EncNet": "encnet",
    "FCN": "fcn",
    "FCN8s": "fcn8s",
    "FarSeg": "farseg",
    "GSCNN": "gscnn",
    "HRNet": "hrnet",
    "OCNet": "ocnet",
    "PFNet": "pfnet",
    "PSPNet": "pspnet",
    "PointRend": "pointrend",
    "RANet": "ranet",
    "RefineNet": "refinenet",
    "SFNet": "sfnet",
    "SemanticFPN": "semantic_fpn",
    "UNet": "unet",
    "UPerNet": "upernet",
}
