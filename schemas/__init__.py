"""What is written down: events, state items, outputs, their codecs and the table of topics. Knows nothing else."""
