"""Coded video: H.264, VP8, VP9 and AV1 as a call carries them, decoded here.

Two questions are kept apart:

- Which unit is decoded? What depends on what decides: keyframes, layers, gaps (`decode_chain.py`).
- Which decoded picture is scored? `max_fps` and `min_fps` decide, as for pictures (`frame_gate.py`).

So units wait in order (`unit_inbox.py`), and when a picture is due, all of them are decoded in one run of
which the newest is scored: one message to the worker for half a second of a call. Where no picture is due
for long, a run decodes without scoring, so that a turn is never much longer than others.

A stream's decoder is state, and native code that bytes from anywhere reach. It lives in a worker process,
as all such code does, and that worker alone can decode the stream's next unit:

- `workers/decoder_home.py` says which one. A stream that starts at a keyframe goes where the fewest live.
- The dispatcher keeps a run for its worker and lets others pass. Slots are handed out with that in mind:
  turns that are bound to one worker take no more slots than it has (`fair_queue.py`), or they would idle
  the others.
- A worker that ends takes its decoders along. Each of their streams loses what came before its next
  keyframe, which its client is told to ask for; none ends, and no score is made of what is left. The stream
  whose unit it was rests, for longer each time, so that a unit that kills is not the end of its neighbours
  again and again.
- Within a worker decoders share a budget of memory (`workers/stream_decoders.py`), and a run has a budget
  of time.

Nothing of a chain is left out while the rest is shown. Where the server cannot keep up, the upper layers go
first and stay out up to a keyframe, since nobody knows when they may come back; then everything goes up to
a keyframe. Keyframes are asked for when one is needed, at most one every few seconds, and never in order to
have something to score: they would cost the viewers the quality that is measured here.

A unit that cannot be decoded is answered, in words; FFmpeg would go on and show what it makes of the rest.
What the decoders cannot see is for the sender to say (`Frame.discontinuity`): a VP8 unit that is missing,
or is cut short, looks like any other.
"""
