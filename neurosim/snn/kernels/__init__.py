"""Kernels of the spiking layers, numba for CPUs and Triton for GPUs, as nodes of torch's graph."""
