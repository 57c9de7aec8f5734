"""What a record costs: `python -m benchmarks`.

    cases/*.py ──► Case ──► measure: all cases in turn, round after round ──► Row ──► table | JSON | results/

Costs are CPU time of this process per record, in microseconds: a busy machine disturbs them less than wall time. The
best round is what the code costs, the median what it costs here. Baselines are measured between the others, so that
ratios hold also where the machine changes its pace.
"""
