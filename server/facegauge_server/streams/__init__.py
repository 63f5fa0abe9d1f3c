"""The live streams: a session, the table of sessions, and what runs one connection."""
