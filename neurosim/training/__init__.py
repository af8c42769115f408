"""Train rockpool modules with fused kernels and stochastic thresholds."""
