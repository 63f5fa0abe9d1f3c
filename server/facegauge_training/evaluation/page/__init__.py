"""docs/evaluation.md: tables that compare students, written from what `evaluate` found of each."""
