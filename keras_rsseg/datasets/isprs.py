"""What the two ISPRS benchmarks of urban semantic labelling share."""

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
