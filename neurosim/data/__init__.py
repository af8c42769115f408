"""Recordings of sensors, their encoding into events, and subject-wise splits."""
