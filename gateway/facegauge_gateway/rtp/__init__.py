"""RTP in, access units out, without any I/O: bytes and the time are arguments, feedback is a return value.

A datagram's way: `packet` -> `source` (does it belong to the sequence) -> `reorder` (wait for what is
missing) -> `assembler` (packets of one unit, by a `depacketise`r of its codec) -> `decodability` (are the
units there that it depends on) -> AccessUnit. `receiver` holds the parts of one SSRC together, and answers
with `rtcp`. Imports point downwards in the order of the contract in the root's pyproject.toml.
"""
