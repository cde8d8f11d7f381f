class PresetError(ValueError):
    """A preset cannot be had, read or published; says what to do about it."""
