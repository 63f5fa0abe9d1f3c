"""The recipes that make Facegauge's students, as programs to be read from top to bottom; see `recipe.sh`."""
