"""Firing rate of leaky integrate-and-fire neurons in noise, in continuous time."""
