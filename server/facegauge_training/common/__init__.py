"""What every program of training uses: errors, measures of agreement, files of a run, curves."""
