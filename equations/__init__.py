"""What a neuron, a threshold rule, a homeostat is: declarations in Brian2 equations."""
