"""Plays one clip to the server, in a process of its own: `python -m facegauge_gateway.clip_player`.

FFmpeg decodes a stranger's bytes there, so that what crashes it, hangs it or fills its memory costs that clip
alone, and never a camera. `job` is what it reads on standard input, `messages` what it writes on standard
output, `formats` what it opens, and `player` the work. It ends when its standard input does.
"""
