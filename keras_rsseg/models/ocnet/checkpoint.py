"""Checkpoints of OCNet with object context beside dilated convolutions.

Sources: the SFNet authors' code (SFSegNets), see
`keras_rsseg.models.pfnet.checkpoint`, and that of OCNet's own authors
(openseg-group/OCNet.pytorch, MIT). Both list the shared convolution of
queries and keys twice.
"""

import functools
import logging
from collections.abc import Sequence

import numpy as np

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint import resnet_rules
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.ocnet.ocnet import OCNet

logger = logging.getLogger(__name__)
_RATES = ("rate12", "rate24", "rate36")


def prepare(state: State, projection: str, from_branch: Sequence[int]) -> State:
    """Return a checkpoint's tensors with one convolution for queries and keys.

    Args:
        state: dict from name to array.
        projection: name of the convolution that joins the branches.
        from_branch: for each branch here, its number in the checkpoint.

    Returns:
        The same without the keys, and with the branches in our order.
    """
    kept, differing = {}, []
    for name, value in state.items():
        query = name.replace(".f_key.", ".f_query.")
        if query == name:
            kept[name] = value
        elif not (query in state and np.array_equal(value, state[query])):
            differing.append(name)
    if differing:
        logger.warning(
            "%s should be copies of those of .f_query., but differ; those of "
            ".f_query. are used, as in PyTorch",
            ", ".join(differing),
        )
    name = f"{projection}.weight"
    if name in kept:
        branches = np.split(kept[name], len(from_branch), axis=1)
        branches = [branches[index] for index in from_branch]
        kept[name] = np.concatenate(branches, axis=1)
    return kept


def _context_rules(branch: str, attention: str, refine: str) -> list[Rule]:
    stage = f"{branch}.{attention}.stages.0"
    return [
        *conv_bn_rules("object_reduce", f"{branch}.0", f"{branch}.1"),
        *conv_bn_rules(
            "object_context/query", f"{stage}.f_query.0", f"{stage}.f_query.1"
        ),
        ("object_context/value", f"{stage}.f_value"),
        ("object_context/output", f"{stage}.W"),
        *conv_bn_rules(
            "object_refine",
            f"{branch}.{attention}.{refine}.0",
            f"{branch}.{attention}.{refine}.1",
        ),
    ]


def _branch_rules(module: str, names: dict[str, str]) -> list[Rule]:
    rules = []
    for branch, name in names.items():
        conv = f"{module}.{name}"
        rules += conv_bn_rules(f"object_{branch}", f"{conv}.0", f"{conv}.1")
    return rules


_RULES = [
    *DEEP_RESNET_RULES,
    *_context_rules("head.context.context", "3", "project"),
    *_branch_rules(
        "head.context",
        {
            **dict(zip(_RATES, ("b1", "b2", "b3"), strict=True)),
            "pointwise": "b4",
            "projection": "project",
        },
    ),
    ("classifier", "head.out"),
]
_OPENSEG_RULES = [
    *resnet_rules([("conv1", "bn1"), ("conv2", "bn2"), ("conv3", "bn3")]),
    *conv_bn_rules("reduce", "context.0", "context.1"),
    *_context_rules("context.2.context", "2", "conv_bn_dropout"),
    *_branch_rules(
        "context.2",
        {
            "pointwise": "conv2",
            **dict(zip(_RATES, ("conv3", "conv4", "conv5"), strict=True)),
            "projection": "conv_bn_dropout",
        },
    ),
    ("classifier", "cls"),
    *conv_bn_rules("auxiliary_head", "dsn.0", "dsn.1"),
    ("auxiliary_classifier", "dsn.3"),
]


def _openseg(depth: int) -> Variant:
    return Variant(
        functools.partial(released_resnet(depth, 8), stem_pool_ceil=True),
        _OPENSEG_RULES,
        OCNet,
        {
            "branch_filters": 256,
            "reduced_filters": 512,
            "activation": "leaky_relu",
            "auxiliary_filters": 512,
        },
        prepare=functools.partial(
            prepare,
            projection="context.2.conv_bn_dropout.0",
            from_branch=(0, 1, 2, 3, 4),
        ),
    )


VARIANTS = {
    "ocnet_asp_r50": Variant(
        released_resnet(50, 8),
        _RULES,
        OCNet,
        prepare=functools.partial(
            prepare,
            projection="head.context.project.0",
            # There the 1x1 convolution is the last branch.
            from_branch=(0, 4, 1, 2, 3),
        ),
    ),
    "ocnet_asp_r50_openseg": _openseg(50),
    "ocnet_asp_r101_openseg": _openseg(101),
}
