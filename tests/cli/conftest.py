"""Tests of commands that need a broker do not run where none can be had; `tests/transport` says so, once and loudly."""

from streams.transport import dev_kafka_jars

collect_ignore = ["test_kafka_run.py"] if dev_kafka_jars.missing() else []
