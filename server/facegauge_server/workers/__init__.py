"""Frames are worked on in processes of their own: native code that dies costs a frame, not the server.

Read in this order: `frame_work.py` (what is done to a frame), `messages.py` and `frame_memory.py` (how it
gets there), `worker.py` (a worker's loop), `confinement.py` (what a worker may not do), `zygote.py` (the
process that workers are forked from), `spawner.py` (the server's end of it), `process.py` (one worker as the
server sees it), `pool.py` (who does which frame, and what happens when a worker dies or hangs).
"""
