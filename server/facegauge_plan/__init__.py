"""How many machines a service needs: streams, codec and resolution to cores, replicas, memory, series, cost.

    workload ──┬── demand.py: what a stream takes ──┬── fleet.py: replicas that carry all
    constants ─┘                       ring.py: how evenly a ring hash deals them ──┘

The constants are measured by `python -m bench.plan_constants` and lie in `constants.json`. Nothing here
imports the server.
"""
