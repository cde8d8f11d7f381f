"""What brings a coarse map to a fine one, in the place of PFNet's module."""

from keras_rsseg.layers.attention import DenseAffinity
from keras_rsseg.layers.deformable_conv import DeformableConv
from keras_rsseg.layers.flow_alignment import FlowAlignment
from keras_rsseg.layers.point_flow import PointFlow
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.ops.data_format import channel_axis

ALIGNMENTS = (
    "point_flow",
    "flow_alignment",
    "deformable_conv",
    "modulated_deformable_conv",
    "dense_affinity",
)


def align_maps(alignment, level, fine, coarse, point_flow, **options):
    """Apply an alignment by its name.

    Args:
        alignment: one of `ALIGNMENTS`.
        level: string. Names the layers.
        fine: KerasTensor.
        coarse: KerasTensor with as many channels.
        point_flow: dict of arguments of `PointFlow`.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        A tuple of the aligned map, a KerasTensor of the size of `fine`, and
        of the boundary logits, `None` where there are none.
    """
    name = f"{alignment}_{level}"
    if alignment.endswith("deformable_conv"):
        conv = DeformableConv(
            fine.shape[channel_axis(options["data_format"])],
            modulated=alignment.startswith("modulated"),
            name=name,
            **options,
        )
        return conv(resize_map(level, fine, coarse, **options)), None
    if alignment == "flow_alignment":
        return FlowAlignment(name=name, **options)(fine, coarse), None
    if alignment == "dense_affinity":
        return DenseAffinity(name=name, **options)(fine, coarse), None
    outputs = PointFlow(name=name, **point_flow, **options)(fine, coarse)
    return outputs if isinstance(outputs, tuple) else (outputs, None)
