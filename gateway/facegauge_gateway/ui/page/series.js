// What a stream was like for as long as its page is open: a column of numbers for each thing drawn.

export const CAUSES = ["compression", "resolution", "blur", "noise", "exposure", "loss"];
export const RESULTS = {
  frames_scored: "scored",
  frames_no_face: "no face",
  frames_too_small: "too small",
  frames_dropped: "dropped",
  frames_skipped: "skipped",
  frames_not_decoded: "not decoded",
  frames_failed: "failed",
};
const MOST_POINTS = 4000;
const RATE_OVER_S = 2;

/** Columns of one length: `times` in Unix seconds, and one of numbers or null for each name. */
export class Series {
  times = [];
  columns = Object.fromEntries(["quality", "raw", "answer", ...CAUSES, ...Object.keys(RESULTS)].map((name) => [name, []]));
  states = [];
  faults = [];
  #counts = [];

  /** Adds a status; of more than some thousand, every second one is kept, the older half first. */
  add(timeS, status) {
    const { columns } = this;
    this.times.push(timeS);
    columns.quality.push(status.quality ?? null);
    columns.raw.push(status.raw_quality ?? null);
    columns.answer.push(status.answer_time_s == null ? null : status.answer_time_s * 1000);
    const costs = Object.fromEntries((status.causes ?? []).map((cause) => [cause.kind, cause.cost]));
    for (const name of CAUSES) columns[name].push(costs[name] ?? null);
    for (const [name, rate] of Object.entries(this.#rates(timeS, status))) columns[name].push(rate);
    this.states.push(status.state);
    this.faults.push((status.causes ?? []).filter((cause) => cause.value != null).map((cause) => cause.kind));
    if (this.times.length > MOST_POINTS) this.#thin();
  }

  /** Adds a gap: nothing is known between what comes before and after. */
  addGap(timeS) {
    if (!this.times.length || this.states.at(-1) === null) return;
    this.times.push(timeS);
    for (const column of Object.values(this.columns)) column.push(null);
    this.states.push(null);
    this.faults.push([]);
    this.#counts = [];
  }

  /** Frames a second by result, over the last two seconds. */
  #rates(timeS, status) {
    this.#counts.push({ timeS, status });
    while (this.#counts.length > 2 && this.#counts[1].timeS <= timeS - RATE_OVER_S) this.#counts.shift();
    const first = this.#counts[0];
    const spanS = timeS - first.timeS;
    return Object.fromEntries(
      Object.keys(RESULTS).map((name) => [name, spanS ? Math.max(0, status[name] - first.status[name]) / spanS : null]),
    );
  }

  #thin() {
    const half = this.times.length / 2;
    const keep = (_, index) => index >= half || index % 2 === 0;
    this.times = this.times.filter(keep);
    for (const name of Object.keys(this.columns)) this.columns[name] = this.columns[name].filter(keep);
    this.states = this.states.filter(keep);
    this.faults = this.faults.filter(keep);
  }
}

/**
 * Returns the spans in which something was so, for a strip over the same time as the charts.
 * @param {number[]} times
 * @param {(index: number) => string | null} nameAt what was so from times[index] to the next one
 */
export function spansOf(times, nameAt) {
  const spans = [];
  for (let index = 0; index < times.length; index += 1) {
    const name = nameAt(index);
    const end = times[index + 1] ?? times[index];
    if (spans.length && spans.at(-1).name === name) spans.at(-1).end = end;
    else spans.push({ name, start: times[index], end });
  }
  return spans.filter((span) => span.name !== null);
}
