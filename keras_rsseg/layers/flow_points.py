import collections

FlowPoints = collections.namedtuple(
    "FlowPoints",
    [
        "saliency",
        "boundary_logits",
        "boundary_coarse",
        "boundary_fine",
        "salient_coarse",
        "salient_fine",
    ],
)
FlowPoints.__doc__ = """The points through which semantics flow.

Fields:
    saliency: `(batch, h, w, 1)` float32, in (0, 1). One channel first for
        `"channels_first"`, as the boundary logits. `None` where nothing of
        the layer needs it.
    boundary_logits: `(batch, h, w, 1)`, or `None` where no boundary points
        flow.
    boundary_coarse: `(batch, K)` int32, `row * w + column` in the coarse map.
        `K` is 0 where no boundary points flow; so for the salient ones.
    boundary_fine: `(batch, K)` int32, `row * W + column` in the fine map.
    salient_coarse: `(batch, max_pool_size**2)` int32, as above. A point may
        occur more than once, except with `salient_sampler="attention"`, which
        takes at most all pixels.
    salient_fine: like `salient_coarse`, in the fine map.
"""
