"""Clips that are dropped on the page: each is uploaded, played by a process of its own, and ends as a report.

`upload` takes a file in, `clip` is one of them, `clip_table` those that there are, `routes` their HTTP.
"""
