"""Events pushed to an operator's back end: CloudEvents over HTTP, signed as Standard Webhooks says."""
