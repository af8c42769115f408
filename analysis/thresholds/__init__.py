"""Thresholds drawn at random, the membrane below them, and the gradient gate."""
