"""Edges of the log. `sqlite_*`: one file for one machine. The only owner of sqlite3."""
