"""The studies of ASPEN (stochastic thresholds), each with the claims that it judges."""
