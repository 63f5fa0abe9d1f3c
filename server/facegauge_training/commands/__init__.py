"""The subcommands of `facegauge-train`: options and output; the work is done by the library beside them."""
