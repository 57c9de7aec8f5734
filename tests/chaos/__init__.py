"""Everything is broken on purpose, on a real Kafka and a real Redis, and an oracle of its own looks at what came of it."""
