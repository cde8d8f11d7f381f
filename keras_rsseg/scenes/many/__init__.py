"""Lists of scenes, and reports about them."""
