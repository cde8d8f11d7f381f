"""The papers' networks in plain PyTorch, which the package is timed against.

Written from the papers and from notes on how the released networks compute,
module names included, so that released checkpoints load. They do what the
package avoids: resize before they convolve, and compute pixels that a stride
drops.
"""

from benchmarks.plain_pytorch.hrnet import HRNet
from benchmarks.plain_pytorch.pfnet import PFNet

__all__ = ["HRNet", "PFNet"]
