// One row of the wall: an element that is made once and shows one stream after the other.

import { make, setClass, setText } from "./dom.js";
import { HISTORY_S } from "./live.js";
import { drawSparkline } from "./sparkline.js";
import { streamLink } from "./view.js";
import { bandOf, causeText, qualityText, stateText } from "./words.js";

/** A row of the list, which is a link to the stream's page. */
export class Row {
  constructor() {
    this.quality = make("b.quality");
    this.name = make("span.name");
    this.call = make("span.call");
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.state = make("span.state");
    this.cause = make("span.cause");
    this.fps = make("span.fps");
    this.drops = make("span.drops");
    this.link = make(
      "a",
      {},
      this.quality,
      make("span.who", {}, this.name, this.call),
      this.canvas,
      make("span.what", {}, this.cause, this.state),
      this.fps,
      this.drops,
    );
    this.element = make("li", {}, this.link);
  }

  /**
   * Shows a stream.
   * @param {object} status of the stream
   * @param {(number | null)[]} history of its quality
   * @param {{place: number, count: number, top: number, stamp: string}} where in the list, and `stamp`, which
   *   changes with whatever the line is drawn from
   */
  show(status, history, { place, count, top, stamp }) {
    const { element, link } = this;
    if (this.top !== top) element.style.transform = `translateY(${top}px)`;
    if (this.place !== place) element.setAttribute("aria-posinset", String(place + 1));
    if (this.count !== count) element.setAttribute("aria-setsize", String(count));
    Object.assign(this, { place, count, top });
    if (this.stamp === stamp) return;
    this.stamp = stamp;
    const href = streamLink(status);
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
    setClass(element, bandOf(status.quality));
    setText(this.quality, qualityText(status.quality));
    setText(this.name, status.stream_id);
    setText(this.call, [status.call_id, status.tenant].filter(Boolean).join(" · "));
    setText(this.state, stateText(status.state));
    setText(this.cause, causeText(status.main_cause));
    setText(this.fps, `${status.fps.toFixed(1)} fps`);
    setText(this.drops, status.frames_dropped ? `${status.frames_dropped} dropped` : "");
    drawSparkline(this.canvas, history, HISTORY_S);
  }
}
