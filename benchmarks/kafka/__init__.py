"""What Rapport does on a broker: `rapport bench`, or `python -m benchmarks.kafka`.

    broker, Redis ──► firehose.py fills raw topics ──► echo.py                     plain and in transactions
     servers.py                  │                 └─► `rapport run`, a process    run.py: CPU, memory; verify.py: truth
                                 └─ pace.py: at a given rate ──► listen.py: when a subscriber sees it
    throughput · latency · restart · restore · soak ──► report.py, plots.py ──► benchmarks/results/

Every part is a process of its own, as users have it. A figure of a run whose outputs are not exactly what the generator
knows to be true does not count. Baselines are measured between the others, so that ratios hold also where the machine
changes its pace.
"""
