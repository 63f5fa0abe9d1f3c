"""Run one connection of a stream of coded video: as `StreamRunner`, with runs of units in place of frames."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import replace

from facegauge_server.admission.worker_slots import WorkerSlots
from facegauge_server.coded_types import DecodedRun, UnitOutcome
from facegauge_server.config import Config
from facegauge_server.errors import BadFrame
from facegauge_server.metrics import Metrics
from facegauge_server.pipeline import Pipeline, RunScore
from facegauge_server.streams.adaptive_sampler import AdaptiveSampler
from facegauge_server.streams.coded.decode_chain import DecodeChain
from facegauge_server.streams.coded.unit_inbox import (
    CompleteUnitInbox,
    LiveUnitInbox,
    ReceivedRun,
    UnitInbox,
)
from facegauge_server.streams.frame_gate import FrameGate, LeftOut
from facegauge_server.streams.rate_limit import RateLimit
from facegauge_server.streams.runner import Send, StreamRunner
from facegauge_server.streams.session_table import Opened
from facegauge_server.tracing.traces import UNTRACED, FrameTimes, TraceFrame
from facegauge_server.types import Delivery, EncodedFrame, FrameResult, FrameScore, NoticeKind
from facegauge_server.workers.decoder_home import DecoderHome

__all__ = ["CodedStreamRunner"]

UNDECODABLE = "a unit could not be decoded"
FAULT_INTERVAL_S = 0.5
"""Least time between two answers to units of a LIVE stream that are none; the others are only counted."""
REMEMBERED_UNITS = 128
"""More than a run has (48) and a decoder holds back (some 20) together."""


class CodedStreamRunner(StreamRunner):
    """Runs one connection of a stream of coded video from its first unit to its summary."""

    def __init__(
        self,
        opened: Opened,
        pipeline: Pipeline,
        slots: WorkerSlots,
        config: Config,
        metrics: Metrics,
        trace: TraceFrame = UNTRACED,
    ) -> None:
        super().__init__(opened, pipeline, slots, config, metrics, trace)
        session = opened.session
        self._is_live = session.settings.delivery is Delivery.LIVE
        self._chain = DecodeChain(
            session.settings.decode, config.limits, session.traffic, is_live=self._is_live
        )
        self._inbox: UnitInbox
        if self._is_live:
            gate = FrameGate(
                RateLimit(session.max_fps), AdaptiveSampler(session.min_fps), session.tenant_limit
            )
            self._inbox = LiveUnitInbox(self._chain, gate)
        else:
            self._inbox = CompleteUnitInbox(self._chain, session.max_fps, session.tenant_limit)
        self._home = DecoderHome()
        self._inside_decoder = 0
        """Units that have been decoded and whose pictures have not come out."""
        self._fault_answered_s = -math.inf
        self._received_s: deque[tuple[int, float | None]] = deque(maxlen=REMEMBERED_UNITS)
        """Sequence of each unit that went to the decoder, and when it came: some pictures come out later."""

    async def run(self, frames: AsyncIterator[EncodedFrame], send: Send) -> None:
        """Follow the stream: see `StreamRunner.run`."""
        try:
            await super().run(frames, send)
        finally:
            self._home.leave()

    def _close_inbox(self) -> None:
        self._inbox.close()

    def _is_busy(self) -> bool:
        return self._unanswered > self._inside_decoder

    async def _receive(self, frames: AsyncIterator[EncodedFrame]) -> None:
        inbox = self._inbox
        async for frame in frames:
            self._active_s = now_s = time.monotonic()
            self._unanswered += 1
            lost, why_refused = 0, ""
            try:
                lost = inbox.put(frame, now_s)
            except BadFrame as error:
                why_refused = str(error)
            captured, is_decodable = self._chain.captured, not self._chain.is_starved
            self._session.note_frame(frame, now_s, time.time(), captured, is_decodable=is_decodable)
            self._leave_out(FrameResult.NOT_DECODED, lost)
            sequence, capture_time_s, received_s = frame.sequence, frame.capture_time_s, frame.received_s
            del frame  # the inbox has it: nothing else keeps its bytes until the next one comes
            if why_refused:
                self._received_s.append((sequence, received_s))
                await self._refuse(sequence, capture_time_s, why_refused, now_s)
            self._request_keyframe(now_s)
            await inbox.wait_for_room()

    async def _refuse(self, sequence: int, capture_time_s: float, why: str, now_s: float) -> None:
        """Answer a unit that never reaches a decoder, or where many of them come only count it."""
        if self._is_live and now_s - self._fault_answered_s < FAULT_INTERVAL_S:
            self._leave_out(FrameResult.ERROR, 1)
            return
        await self._connection.outbox.wait_for_room()
        self._fault_answered_s = now_s
        self._answer_error(sequence, capture_time_s, why)

    async def _score(self) -> None:
        session, inbox = self._session, self._inbox
        while await inbox.wait_for_run():
            await self._connection.outbox.wait_for_room()
            async with self._slots.slot(session.flow, self._home.place) as turn:
                received = inbox.take(time.monotonic())
                if received is None:
                    continue
                taken_s = time.monotonic()
                self._received_s += ((one.frame.sequence, one.frame.received_s) for one in received.run.units)
                result = await self._pipeline.assess_run(
                    replace(received.run, after_s=session.last_capture_time_s),
                    self._home,
                    session.tracker,
                    session.settings.display_lines,
                )
                turn.cost_s = result.work_s
            self._note(received, taken_s, result)
            del received
        if not self._is_live:
            self._leave_out(FrameResult.SKIPPED, self._unanswered)  # units that had no picture to show
            self._inside_decoder = 0
        self._sum_up()

    def _note(self, received: ReceivedRun, taken_s: float, result: RunScore) -> None:
        """Count what became of every unit of a run, and answer for the picture, or for what is wrong."""
        self._active_s = now_s = time.monotonic()
        decoded = result.decoded
        self._inbox.decoded(waiting=decoded.waiting if decoded else 0)
        if result.score is not None:
            self._answer(result.score)
            if received.ready_s is not None:
                self._note_times(FrameTimes(received.ready_s, taken_s, now_s), result.score)
            else:  # a COMPLETE stream's units wait on purpose
                self._trace(FrameTimes(taken_s, taken_s, now_s), result.score)
        if decoded is None:
            self._note_failure(received, result)
        else:
            self._count(received, decoded, is_scored=result.score is not None)
        if result.ended_worker:
            self._chain.rest(now_s)
        if decoded is None or decoded.is_broken:
            why = "the process that decoded the stream has ended" if result.is_lost else UNDECODABLE
            self._leave_out(FrameResult.NOT_DECODED, self._inbox.broke(why, starved=decoded is not None))
            if decoded is not None and self._chain.is_starved:
                self._note_undecodable(received, decoded)
            self._request_keyframe(now_s)

    def _note_undecodable(self, received: ReceivedRun, decoded: DecodedRun) -> None:
        """Tell the session from which unit of a run on its stream cannot be decoded."""
        for unit, outcome in zip(received.run.units, decoded.outcomes, strict=True):
            if outcome is not UnitOutcome.DECODED:
                self._session.note_undecodable(unit.frame.capture_time_s)
                return

    def _note_failure(self, received: ReceivedRun, result: RunScore) -> None:
        """Count the units of a run that failed as a whole."""
        units = received.run.units
        if not units:
            return
        answered = 0 if result.is_lost else 1
        if answered:
            newest = units[-1].frame
            self._answer_error(newest.sequence, newest.capture_time_s, result.error)
        self._leave_out(FrameResult.NOT_DECODED, len(units) - answered)

    def _count(self, received: ReceivedRun, decoded: DecodedRun, *, is_scored: bool) -> None:
        results: Counter[FrameResult] = Counter()
        pictured = 0
        for outcome, why in zip(decoded.outcomes, received.left_out, strict=True):
            if outcome is UnitOutcome.FAILED:
                results[FrameResult.ERROR] += 1
            elif outcome is UnitOutcome.NOT_DECODED:
                results[FrameResult.NOT_DECODED] += 1
            elif why is None:
                pictured += 1
            else:
                results[self._result_of(why)] += 1
        is_answered_by_error = bool(decoded.fault)
        if is_answered_by_error:
            at = decoded.outcomes.index(UnitOutcome.FAILED) if results[FrameResult.ERROR] else -1
            failed = received.run.units[at].frame if received.run.units else None
            if failed is not None:
                self._answer_error(failed.sequence, failed.capture_time_s, decoded.fault)
                if results[FrameResult.ERROR]:
                    results[FrameResult.ERROR] -= 1
                else:
                    pictured -= 1
        if self._is_live:
            results[FrameResult.SKIPPED] += max(0, pictured - is_scored)
        else:
            results[FrameResult.SKIPPED] += decoded.skipped
            self._inside_decoder += pictured - is_scored - decoded.skipped
        for left_out, count in results.items():
            self._leave_out(left_out, count)

    def _result_of(self, why: LeftOut) -> FrameResult:
        if why is LeftOut.OVER_QUOTA:
            self._throttled(why)
        if why in (LeftOut.STEADY, LeftOut.TOO_FAST):
            return FrameResult.SKIPPED
        self._session.reporter.shed_frames(1)
        return FrameResult.DROPPED

    def _answer(self, score: FrameScore) -> None:
        now_s = time.monotonic()
        assessment = self._session.assess(score, now_s, self._when_received(score.sequence))
        self._unanswered -= 1
        self._observe_faces(score)
        self._connection.outbox.put(assessment, self._session.checkpoints.due(now_s))
        self._inbox.scored(assessment.stream.raw_quality, score.capture_time_s)

    def _answer_error(self, sequence: int, capture_time_s: float, why: str) -> None:
        self._metrics.count_frames(FrameResult.ERROR)
        score = FrameScore(sequence, capture_time_s, FrameResult.ERROR, error=why)
        assessment = self._session.assess(score, time.monotonic(), self._when_received(sequence))
        self._connection.outbox.put(assessment)
        self._unanswered -= 1

    def _when_received(self, sequence: int) -> float | None:
        """Return when a unit came; of several with its number the newest, None where that is long ago."""
        return next((at_s for number, at_s in reversed(self._received_s) if number == sequence), None)

    def _request_keyframe(self, now_s: float) -> None:
        why = self._chain.keyframe_request(now_s)
        if why:
            self._metrics.count_keyframe_request()
            text = f"{why}: nothing can be decoded before the next keyframe, ask the sender for one"
            self._notify(NoticeKind.KEYFRAME_NEEDED, text)
