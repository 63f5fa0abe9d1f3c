"""Makes the pictures of causes that the runbook shows."""
