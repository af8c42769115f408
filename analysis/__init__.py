"""What theory says: pure functions of floats and arrays in SI units."""
