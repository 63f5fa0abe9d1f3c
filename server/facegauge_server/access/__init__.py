"""Who calls, and what they may see and touch: signed tokens, client certificates, tenants."""
