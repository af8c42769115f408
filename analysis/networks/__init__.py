"""Rates, gradients and spike counts of layered and of recurrent networks."""
