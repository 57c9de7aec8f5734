"""Generated traffic in the true wire formats: a small invented world that talks about an invented brand."""
