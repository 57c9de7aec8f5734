"""Pure: no I/O, no clock, no randomness, no threads, no environment."""
