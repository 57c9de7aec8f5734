"""What operators see of a process.

fact ───► line      time level Name field=value …                          lines.py
     └──► counter, histogram                                               metrics.py
Status ─► gauges: lag, stream time, restores, cache, …                     gauges.py
     └──► ready? live?                                                     health.py
GET /metrics · /health · /ready                                            server.py
docs/metrics.md: every one of them, what it means and what to do           page.py
"""

from streams.observe.lines import masked
from streams.observe.observer import Observer

__all__ = ["Observer", "masked"]
