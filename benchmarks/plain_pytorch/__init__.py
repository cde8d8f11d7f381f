"""The papers' networks in plain PyTorch, to time the package against.

Written from the papers and from notes on how the released networks compute,
with their module names, so that released checkpoints load. They do what the
package avoids: resize before convolving, and compute pixels that a stride
drops.
"""

from benchmarks.plain_pytorch.hrnet import HRNet
from benchmarks.plain_pytorch.pfnet import PFNet

__all__ = ["HRNet", "PFNet"]
