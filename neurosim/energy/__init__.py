"""What a net on a Xylo core costs: power, operating points, and a governor on a battery."""
