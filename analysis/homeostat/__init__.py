"""AHSAR's loop: its steady states, its stability, and gains that work."""
