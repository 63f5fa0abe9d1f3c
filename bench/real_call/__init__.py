"""A real call on this machine: a browser publishes a clip to a media server, which forwards its RTP.

The parts are Debian's `chromium` and `janus`, without a display and on loopback alone; `clip` makes what the
camera sees, and `lossy_path` loses, reorders and delays what is forwarded, as a network would.
"""
