"""Where a backbone learns a teacher's features, without labels, before it sees a labelled crop."""
