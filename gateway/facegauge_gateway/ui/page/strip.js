// A strip of what a stream was, over time: its state, or its faults.

import { make } from "./dom.js";
import { durationText, stateText } from "./words.js";

/** A strip with a heading; its colours have the names of what it shows. */
export class Strip {
  constructor(title, kind) {
    this.kind = kind;
    this.bar = make("div.bar", { "aria-hidden": "true" });
    this.words = make("p.legend");
    this.element = make("section.strip", {}, make("h2", {}, title), this.bar, this.words);
  }

  /**
   * Draws spans over the time from `start` to `end`.
   * @param {{name: string, start: number, end: number}[]} spans
   */
  draw(spans, start, end) {
    const whole = Math.max(end - start, 1e-3);
    while (this.bar.children.length > spans.length) this.bar.lastChild.remove();
    while (this.bar.children.length < spans.length) this.bar.append(make("i"));
    const seconds = new Map();
    spans.forEach((span, index) => {
      const piece = this.bar.children[index];
      piece.className = `${this.kind} ${span.name}`;
      piece.title = `${stateText(span.name)}, ${durationText(span.end - span.start)}`;
      piece.style.left = `${(100 * (span.start - start)) / whole}%`;
      piece.style.width = `${(100 * (span.end - span.start)) / whole}%`;
      seconds.set(span.name, (seconds.get(span.name) ?? 0) + span.end - span.start);
    });
    const entries = [...seconds].map(([name, lastedS]) =>
      make("span", {}, make(`i.${this.kind}.${name}`), `${stateText(name)} ${durationText(lastedS)}`),
    );
    this.words.replaceChildren(...(entries.length ? entries : ["none"]));
  }
}
