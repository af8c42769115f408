"""The studies of AHSAR (homeostatic thresholds), each with the claims that it judges."""
