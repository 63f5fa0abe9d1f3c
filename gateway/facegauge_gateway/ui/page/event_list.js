// The last events of a stream, the newest first, in words.

import { make } from "./dom.js";
import { causeText, clockText, durationText, qualityText, stateText } from "./words.js";

const MOST_SHOWN = 50;

/** A list that events are put into. */
export class EventList {
  constructor() {
    this.list = make("ol", { role: "list" });
    this.none = make("p.legend", {}, "None yet.");
    this.element = make("section.events", {}, make("h2", {}, "Events"), this.none, this.list);
  }

  /** Adds an event as the newest one. */
  add(event) {
    this.none.hidden = true;
    const time = make("time", { dateTime: new Date(event.time_s * 1000).toISOString() }, clockText(event.time_s));
    this.list.prepend(make("li", {}, time, " ", wordsOf(event)));
    while (this.list.children.length > MOST_SHOWN) this.list.lastChild.remove();
  }

  /** Says that some are lost. */
  addMissed({ missed, restarted }) {
    const text = restarted ? "The server began its log of events anew." : `${missed} events were missed.`;
    this.list.prepend(make("li.note", {}, text));
  }
}

/** Returns what an event says, as a sentence without a stop. */
export function wordsOf(event) {
  const lasted = event.duration_s == null ? "" : ` after ${durationText(event.duration_s)}`;
  const text = event.text ? `: ${event.text}` : "";
  switch (event.kind) {
    case "stream_began":
      return `began${text}`;
    case "stream_ended":
      return `ended${lasted}, mean quality ${qualityText(event.summary?.mean_quality)}${text}`;
    case "stream_resumed":
      return `another connection goes on with it${text}`;
    case "band_changed":
      return `${bandText(event.previous_band)} → ${bandText(event.band)} (${qualityText(event.quality)})`;
    case "cause_began":
      return `${causeText(event.cause)} began`;
    case "cause_ended":
      return `${causeText(event.cause)} ended${lasted}`;
    case "frames_shed":
      return `${event.frames_shed} frames left out${text}`;
    case "stream_shed":
      return `not let in${text}`;
    default:
      return `${stateText(event.kind)}${text}`;
  }
}

const bandText = (band) => (band === "unspecified" ? "no score" : band);
