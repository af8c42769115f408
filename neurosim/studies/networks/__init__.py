"""Studies of networks of neurons that hear each other."""
