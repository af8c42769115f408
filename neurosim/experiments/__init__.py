"""Protocols of the two papers, as configurations and short functions."""
