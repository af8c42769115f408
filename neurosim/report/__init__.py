"""What a person sees: the tables and pages of all commands."""
