"""What is wrong with a stream, as a message and back."""

from __future__ import annotations

from facegauge.internal.v1 import checkpoint_pb2 as pb
from facegauge.v1 import quality_pb2 as interface
from facegauge_server.checkpoints.numbers import CAUSE_OF, CAUSES, RULE_OF, RULES, optional
from facegauge_server.snapshots import (
    CausesSnapshot,
    FaultsSnapshot,
    NamedSnapshot,
    Rule,
    WatchSnapshot,
)
from facegauge_server.types import Cause, Fault, NamedCause

__all__ = ["causes_from", "causes_to"]


def causes_to(causes: CausesSnapshot) -> pb.Causes:
    """Write the causes of a stream."""
    named = causes.named
    return pb.Causes(
        watches=[_watch_to(rule, watch) for rule, watch in causes.faults.watches],
        usual_fps=causes.faults.usual_fps,
        named=[_named_to(cause, since_s) for cause, since_s in named.named],
        main=interface.CAUSE_KIND_UNSPECIFIED if named.main is None else CAUSES[named.main],
        main_since_s=named.main_since_s,
        updated_s=named.updated_s,
        times=[pb.CauseSeconds(kind=CAUSES[kind], seconds=seconds) for kind, seconds in named.times_s],
        seen_s=causes.seen_s,
        named_s=causes.named_s,
    )


def causes_from(message: pb.Causes) -> CausesSnapshot:
    """Read the causes of a stream; raises ValueError for what cannot be."""
    return CausesSnapshot(
        faults=FaultsSnapshot(
            tuple(_watch_from(watch) for watch in message.watches if watch.rule in RULE_OF), message.usual_fps
        ),
        named=NamedSnapshot(
            named=tuple(_named_from(named) for named in message.named if named.kind in CAUSE_OF),
            main=CAUSE_OF.get(message.main),
            main_since_s=optional(message, "main_since_s"),
            updated_s=optional(message, "updated_s"),
            times_s=tuple(
                (CAUSE_OF[time.kind], time.seconds) for time in message.times if time.kind in CAUSE_OF
            ),
        ),
        seen_s=message.seen_s,
        named_s=optional(message, "named_s"),
    )


def _watch_to(rule: Rule, watch: WatchSnapshot) -> pb.Watch:
    value, threshold = watch.fault or (None, None)
    return pb.Watch(
        rule=RULES[rule],
        met_since_s=watch.met_since_s,
        well_since_s=watch.well_since_s,
        named_s=watch.named_s,
        value=value,
        threshold=threshold,
    )


def _watch_from(message: pb.Watch) -> tuple[Rule, WatchSnapshot]:
    lasts = message.HasField("value") and message.HasField("threshold")
    return RULE_OF[message.rule], WatchSnapshot(
        optional(message, "met_since_s"),
        optional(message, "well_since_s"),
        message.named_s,
        (message.value, message.threshold) if lasts else None,
    )


def _named_to(cause: NamedCause, since_s: float) -> pb.Named:
    message = pb.Named(kind=CAUSES[cause.kind], since_s=since_s, threshold=cause.threshold)
    if isinstance(cause, Fault):
        message.value = cause.value
    else:
        message.cost = cause.cost
    return message


def _named_from(message: pb.Named) -> tuple[NamedCause, float]:
    kind, threshold = CAUSE_OF[message.kind], optional(message, "threshold")
    if message.HasField("cost"):
        return Cause(kind, message.cost, threshold), message.since_s
    return Fault(kind, message.value, threshold or 0.0), message.since_s
