"""What the server costs: many live calls against a naive pipeline, in turn in one run.

    uv run --group dev python -m bench --help

`load.py` plays the calls from this process, `server.py` runs the real server as another and reads its clocks,
`naive_pipeline.py` is what one would write first, and `report.py` makes the table, the JSON and the plot.
"""
