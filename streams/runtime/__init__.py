"""Orchestration against ports: the same code under Kafka, SQLite and the simulator."""
