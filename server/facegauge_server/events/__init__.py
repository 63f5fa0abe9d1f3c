"""What happens to streams: told by their sessions, kept in a bounded log, handed to whoever watches."""
