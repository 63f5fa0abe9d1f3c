"""Live streams: a session, the table of sessions, where frames wait, and what runs one connection."""
