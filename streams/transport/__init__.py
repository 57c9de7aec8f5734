"""Edges of the log. `sqlite_*`: one file for one machine; `kafka_*`: a cluster; `dev_kafka*`: a broker to try it on."""
