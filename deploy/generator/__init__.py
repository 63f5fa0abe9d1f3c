"""Files of deploy/kubernetes that are made of others: the same rules, the same Envoy."""
