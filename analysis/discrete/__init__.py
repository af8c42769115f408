"""The neuron that a spiking network runs, one step of length dt at a time."""
