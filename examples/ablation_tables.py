"""The rows of the papers' tables that `examples.ablate` trains."""

import dataclasses
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass(frozen=True)
class Row:
    """One network of a table.

    Attributes:
        name: str, as the paper calls it.
        system: a key of `examples.networks.SYSTEMS`.
        backbone: dict of arguments of its backbone.
        encoder: dict of arguments of its encoder.
    """

    name: str
    system: str = "pfnet"
    backbone: dict = dataclasses.field(default_factory=dict)
    encoder: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a paper.

    Attributes:
        title: str.
        rows: list of `Row`.
        on_both_places: whether its rows are trained on Dubai and on southern
            Ohio, half and half, and scored at both. Dubai alone otherwise.
    """

    title: str
    rows: list[Row]
    on_both_places: bool = False


_PPM = Row("FPN with PPM", "semantic_fpn")
# Stride 8, as the papers run these context modules.
_STRIDE_8 = {
    "stackwise_strides": (1, 2, 1, 1),
    "stackwise_dilations": (1, 1, 2, 4),
}


def _pfnet(name: str, **backbone: Any) -> Row:
    return Row(name, "pfnet", backbone)


def _fusion(name: str, fusion: str) -> Row:
    return Row(name, "hrnet", encoder={"fusion": fusion})


def _heads() -> Iterator[Row]:
    """Each context module alone, with an FPN and with PFNet's decoder."""
    for name, alone, context in (
        ("DeepLabV3", "deeplab_v3", "atrous_pooling"),
        ("CCNet", "ccnet", "criss_cross"),
        ("DANet", "danet", "dual_attention"),
        ("DenseASPP", "denseaspp", "dense_atrous_pooling"),
        ("EMANet", "emanet", "expectation_maximization"),
        ("EncNet", "encnet", "encoding"),
        ("OCNet", "ocnet", "object_context"),
    ):
        yield Row(name, alone, encoder=_STRIDE_8)
        backbone = {"context": context}
        for decoder, system in (("FPN", "semantic_fpn"), ("PFM", "pfnet")):
            yield Row(f"{name} + {decoder}", system, backbone, _STRIDE_8)


def _at_stride_8(*systems: tuple[str, str]) -> Iterator[Row]:
    for name, system in systems:
        yield Row(name, system, encoder=_STRIDE_8)


# What both papers compare themselves with.
_COMPARED = (
    _pfnet("PFNet"),
    Row("HRNet", "hrnet"),
    *_at_stride_8(
        ("PSPNet", "pspnet"),
        ("DeepLabV3+", "deeplab_v3_plus"),
        ("DANet", "danet"),
        ("CCNet", "ccnet"),
    ),
    Row("SFNet", "sfnet"),
    Row("FarSeg", "farseg"),
)

TABLES = {
    "pfnet-4": Table(
        "PFNet, Table 4: systems compared",
        [
            *_COMPARED,
            Row("Semantic FPN", "semantic_fpn"),
            Row("PointRend", "pointrend"),
            *_at_stride_8(
                ("DenseASPP", "denseaspp"),
                ("EMANet", "emanet"),
                ("EncNet", "encnet"),
                ("OCNet", "ocnet"),
            ),
            Row("UPerNet", "upernet"),
            Row("GSCNN", "gscnn"),
            Row("RANet", "ranet"),
            Row("RefineNet", "refinenet"),
        ],
        on_both_places=True,
    ),
    "ifwm-1": Table(
        "IFWM, Table I: systems compared",
        [
            Row("HRNet with IFWM", "hrnet_ifwm"),
            *_COMPARED,
            Row("both papers in one", "pfnet_hrnet_ifwm"),
            Row("FCN", "fcn", encoder=_STRIDE_8),
            Row("DeepLabV3", "deeplab_v3", encoder=_STRIDE_8),
            Row("UNet", "unet"),
            Row("FCN-8s", "fcn8s"),
        ],
        on_both_places=True,
    ),
    "ifwm-3": Table(
        "IFWM, Table III: which flow aligns HRNet's branches",
        [
            _fusion("HRNet", "bilinear"),
            _fusion("SF", "sf"),
            _fusion("LSF", "lsf"),
            _fusion("RIFW", "rifw"),
            _fusion("IFWM", "ifwm"),
        ],
    ),
    "pfnet-2a": Table(
        "PFNet, Table 2a: which points flow",
        [
            _PPM,
            _pfnet("salient points", flows=("salient",)),
            _pfnet("boundary points", flows=("boundary",)),
            _pfnet("both"),
        ],
    ),
    "pfnet-2b": Table(
        "PFNet, Table 2b: at which levels points flow",
        [
            _PPM,
            _pfnet("P4", levels=("P4",)),
            _pfnet("P3", levels=("P3",)),
            _pfnet("P2", levels=("P2",)),
            _pfnet("P4, P3", levels=("P4", "P3")),
            _pfnet("P4, P3, P2"),
        ],
    ),
    "pfnet-2c": Table(
        "PFNet, Table 2c: what takes the module's place",
        [
            Row("FPN", "semantic_fpn", {"context": None}),
            _PPM,
            _pfnet("DCNv1", alignment="deformable_conv"),
            _pfnet("DCNv2", alignment="modulated_deformable_conv"),
            _pfnet("dense affinity", alignment="dense_affinity"),
            _pfnet("FAM", alignment="flow_alignment"),
            _pfnet("PFM"),
        ],
    ),
    "pfnet-2d": Table(
        "PFNet, Table 2d: how salient points are sampled",
        [
            _pfnet("random", salient_sampler="random"),
            _pfnet("attention", salient_sampler="attention"),
            _pfnet("max pooling"),
        ],
    ),
    "pfnet-2e": Table(
        "PFNet, Table 2e: in which direction points flow",
        [
            _pfnet("top-down"),
            _pfnet("bottom-up", direction="bottom_up"),
            _pfnet("top-down, then bottom-up", direction="both"),
        ],
    ),
    "pfnet-2f": Table(
        "PFNet, Table 2f: how boundaries are predicted",
        [
            _pfnet("direct", boundary_from="direct"),
            _pfnet("addition", boundary_from="addition"),
            _pfnet("subtraction"),
        ],
    ),
    "pfnet-2g": Table("PFNet, Table 2g: other context modules", [*_heads()]),
    "pfnet-fig3": Table(
        "PFNet, figure 3: how many points",
        [
            *(
                _pfnet(f"{number} boundary points", num_boundary_points=number)
                for number in (64, 128, 192, 256)
            ),
            *(
                _pfnet(f"{size} x {size} salient points", max_pool_size=size)
                for size in (10, 14, 18, 24)
            ),
        ],
    ),
}
