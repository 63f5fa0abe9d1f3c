"""The faces of a stream, as messages and back: where they are, and their smoothing."""

from __future__ import annotations

import math

from facegauge.internal.v1 import checkpoint_pb2 as pb
from facegauge.v1 import quality_pb2 as interface
from facegauge_server.checkpoints.numbers import CAUSE_OF, CAUSES, STATE_OF, STATES, optional
from facegauge_server.kinds import CauseKind, StreamState
from facegauge_server.snapshots import (
    FaceSnapshot,
    FigureSnapshot,
    SmootherSnapshot,
    TrackerSnapshot,
    TrackSnapshot,
)

__all__ = ["MAX_FACES", "MAX_TRACKS", "smoother_from", "smoother_to", "tracker_from", "tracker_to"]

MAX_FACES = 8
"""Faces whose smoothing is carried: the main one, then those scored last."""
MAX_TRACKS = 16
"""Faces whose place is carried, the largest first."""
UNITS = 16383
"""Of a figure from 0 to 1: the largest number that takes two bytes."""


def tracker_to(tracker: TrackerSnapshot) -> pb.Tracker:
    """Write where the faces are."""
    largest = sorted(tracker.tracks, key=lambda track: -track.value[2] * track.value[3])[:MAX_TRACKS]
    width, height = tracker.frame_size or (0, 0)
    return pb.Tracker(
        tracks=[
            pb.Track(track_id=track.track_id, seen_s=track.seen_s, box=(*track.value, *track.speed))
            for track in tracker.tracks
            if track in largest
        ],
        last_id=tracker.last_id,
        detected_s=tracker.detected_s,
        faceless_since_s=tracker.faceless_since_s,
        frame_width=width,
        frame_height=height,
        still_since_s=tracker.still_since_s,
        still_pictures=tracker.still_pictures,
    )


def tracker_from(message: pb.Tracker) -> TrackerSnapshot:
    """Read where the faces are; raises ValueError for what cannot be."""
    has_size = message.frame_width and message.frame_height
    return TrackerSnapshot(
        tracks=tuple(map(_track_from, message.tracks)),
        last_id=message.last_id,
        detected_s=optional(message, "detected_s"),
        faceless_since_s=optional(message, "faceless_since_s"),
        frame_size=(message.frame_width, message.frame_height) if has_size else None,
        still_since_s=message.still_since_s,
        still_pictures=message.still_pictures,
    )


def _track_from(message: pb.Track) -> TrackSnapshot:
    x, y, width, height, *speed = message.box
    speed_x, speed_y, speed_width, speed_height = speed
    return TrackSnapshot(
        message.track_id,
        message.seen_s,
        (x, y, width, height),
        (speed_x, speed_y, speed_width, speed_height),
    )


def smoother_to(smoother: SmootherSnapshot) -> pb.Smoother:
    """Write the smoothing."""
    order = sorted(smoother.faces, key=lambda face: (face.track_id != smoother.main_id, -face.scored_at_s))
    rival_id, rival_since_s = smoother.rival or (None, 0.0)
    return pb.Smoother(
        faces=map(_face_to, order[:MAX_FACES]),
        main_id=smoother.main_id,
        rival_id=rival_id,
        rival_since_s=rival_since_s,
        state=STATES[smoother.state],
        quality=smoother.quality,
        main_track_id=smoother.main_track_id,
        costs=[pb.Cost(kind=CAUSES[kind], cost=cost) for kind, cost in smoother.costs],
        scored_age_s=smoother.scored_age_s,
    )


def smoother_from(message: pb.Smoother) -> SmootherSnapshot:
    """Read the smoothing; raises ValueError for what cannot be."""
    rival_id = optional(message, "rival_id")
    return SmootherSnapshot(
        faces=tuple(map(_face_from, message.faces)),
        main_id=optional(message, "main_id"),
        rival=None if rival_id is None else (rival_id, message.rival_since_s),
        state=STATE_OF.get(message.state, StreamState.WAITING),
        quality=optional(message, "quality"),
        main_track_id=optional(message, "main_track_id"),
        costs=tuple((CAUSE_OF[cost.kind], cost.cost) for cost in message.costs if cost.kind in CAUSE_OF),
        scored_age_s=optional(message, "scored_age_s"),
    )


def _face_to(face: FaceSnapshot) -> pb.Face:
    figures = [_figure_to(face.quality, interface.CAUSE_KIND_UNSPECIFIED)]
    figures += [_figure_to(figure, CAUSES[kind]) for kind, figure in face.costs]
    return pb.Face(track_id=face.track_id, scored_at_s=face.scored_at_s, figures=figures)


def _face_from(message: pb.Face) -> FaceSnapshot:
    quality, costs = FigureSnapshot(), list[tuple[CauseKind, FigureSnapshot]]()
    for figure in message.figures:
        if figure.kind == 0:
            quality = _figure_from(figure)
        elif figure.kind in CAUSE_OF:
            costs.append((CAUSE_OF[figure.kind], _figure_from(figure)))
    return FaceSnapshot(message.track_id, message.scored_at_s, quality, tuple(costs))


def _figure_to(figure: FigureSnapshot, kind: interface.CauseKind.ValueType) -> pb.Figure:
    values = () if figure.value is None else (figure.value, *figure.last_raw)
    return pb.Figure(values=[round(value * UNITS) for value in values], kind=kind)


def _figure_from(message: pb.Figure) -> FigureSnapshot:
    if any(value > UNITS for value in message.values):
        raise ValueError("a figure is greater than 1")
    value, *last_raw = (value / UNITS for value in message.values or (math.nan,))
    return FigureSnapshot() if math.isnan(value) else FigureSnapshot(value, tuple(last_raw))
