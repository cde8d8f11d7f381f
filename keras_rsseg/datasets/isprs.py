"""What the two ISPRS benchmarks of urban semantic labelling share."""

CLASS_NAMES = (
    "impervious_surface",
    "building",
    "low_vegetation",
    "tree",
    "car",
    "clutter",
)
PALETTE = (
    (255, 255, 255),
    (0, 0, 255),
    (0, 255, 255),
    (0, 255, 0),
    (255, 255, 0),
    (255, 0, 0),
)
# Borders without data, and in the eroded ground truth all within 3 pixels
# of a boundary.
VOID_COLORS = ((0, 0, 0),)
ERODED = "eroded"
RELEASED_DESCRIPTION = (
    "As the released converter: colours that the palette lacks, black "
    "borders too, are impervious surface."
)
ERODED_DESCRIPTION = (
    "The ground truth whose boundaries are eroded by 3 pixels "
    "(noBoundary): what was eroded is void."
)
LICENCE = "ISPRS benchmark terms: research, with acknowledgement"
