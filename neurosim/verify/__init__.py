"""Compare recordings and climb the ladder of equivalence."""
