// The wall: all live streams, worst first. Only the rows that are in view exist.

import { make, setText } from "./dom.js";
import { Filters } from "./filters.js";
import { calmOrder, rankOf, sameOrder } from "./ranking.js";
import { Row } from "./row.js";
import { linkTo, readView, shows } from "./view.js";
import { clockText } from "./words.js";

const MARGIN_ROWS = 4;
const CALM_MS = 1500;

/** The page of all streams; `close` ends it. */
export class Wall {
  #order = [];
  #rows = new Map();
  #spare = [];
  #version = 0;
  #touchedMs = -Infinity;
  #pausedAtS = null;
  #frame = 0;

  constructor(main, { live, query }) {
    this.live = live;
    this.view = readView(query);
    this.filters = new Filters(this.view, (view) => this.#choose(view));
    this.pause = make("button.pause", { type: "button", onclick: () => this.#togglePause() }, "Pause");
    this.count = make("p.count", { role: "status" });
    this.list = make("ul", { role: "list", "aria-label": "Live streams, worst first" });
    this.empty = make("p.empty", { hidden: true });
    this.scroller = make("div.wall", {}, this.list, this.empty);
    main.replaceChildren(
      make("h1.hidden", {}, "Live streams"),
      make("div.tools", {}, this.filters.element, this.pause),
      this.count,
      this.scroller,
    );
    this.stop = new AbortController();
    const { signal } = this.stop;
    live.addEventListener("changed", () => this.#pausedAtS ?? this.#refresh(), { signal });
    this.scroller.addEventListener("scroll", () => this.#draw(), { signal, passive: true });
    for (const name of ["pointermove", "keydown", "wheel"]) {
      this.scroller.addEventListener(name, () => (this.#touchedMs = performance.now()), { signal, passive: true });
    }
    this.scroller.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    document.addEventListener("keydown", (event) => this.#onShortcut(event), { signal });
    this.resize = new ResizeObserver(() => this.#draw());
    this.resize.observe(this.scroller);
    this.#refresh();
  }

  close() {
    this.stop.abort();
    this.resize.disconnect();
    cancelAnimationFrame(this.#frame);
  }

  /** Draws again with another theme. */
  repaint() {
    this.#version += 1;
    this.#draw();
  }

  #choose(view) {
    this.view = view;
    history.replaceState(null, "", linkTo(view));
    this.#order = [];
    this.scroller.scrollTop = 0;
    this.#refresh();
  }

  #togglePause() {
    this.#pausedAtS = this.#pausedAtS === null ? Date.now() / 1000 : null;
    setText(this.pause, this.#pausedAtS === null ? "Pause" : "Go on");
    this.scroller.classList.toggle("paused", this.#pausedAtS !== null);
    this.#refresh();
  }

  /** Takes in the newest list. While somebody is at work in the list nothing changes its place. */
  #refresh() {
    const { streams } = this.live;
    this.filters.offer(streams.values());
    const ranks = new Map();
    for (const [key, status] of streams) if (shows(this.view, status)) ranks.set(key, rankOf(status));
    const isBusy = performance.now() - this.#touchedMs < CALM_MS || this.list.contains(document.activeElement);
    this.#order = isBusy ? sameOrder(this.#order, ranks) : calmOrder(this.#order, ranks);
    this.statuses = streams;
    this.#version += 1;
    this.#describe();
    this.#draw();
  }

  #describe() {
    const [shown, all] = [this.#order.length, this.live.total];
    const streams = `${shown} of ${all} live stream${all === 1 ? "" : "s"}`;
    const paused = this.#pausedAtS === null ? "" : `, as they were at ${clockText(this.#pausedAtS)}`;
    setText(this.count, `${shown === all ? streams.replace(/^\d+ of /, "") : streams}, worst first${paused}`);
    this.empty.hidden = shown > 0;
    if (shown > 0) return;
    setText(this.empty, all ? "No stream passes the filters." : "No stream is live. Start one: your camera, or a clip.");
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#drawRows());
  }

  #drawRows() {
    const heightPx = this.#rowHeightPx();
    const count = this.#order.length;
    this.list.style.height = `${count * heightPx}px`;
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / heightPx) - MARGIN_ROWS);
    const last = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / heightPx) + MARGIN_ROWS;
    const keys = this.#order.slice(first, last);
    this.#release(new Set(keys));
    let above = null;
    keys.forEach((key, index) => {
      const row = this.#rows.get(key) ?? this.#spare.pop() ?? new Row();
      this.#rows.set(key, row);
      const place = first + index;
      const stamp = `${key}\n${this.#version}\n${this.scroller.clientWidth}`;
      row.show(this.statuses.get(key), this.live.histories.get(key) ?? [], {
        place, count, stamp, top: place * heightPx,
      });
      // In the order of the eye, for those who read the page otherwise; what has the focus need not move.
      if (row.element.previousElementSibling !== above || !row.element.parentNode) {
        this.list.insertBefore(row.element, above ? above.nextSibling : this.list.firstChild);
      }
      above = row.element;
    });
  }

  #release(wanted) {
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      this.#rows.delete(key);
      this.#spare.push(row);
    }
  }

  #rowHeightPx() {
    return parseFloat(getComputedStyle(this.list).getPropertyValue("--row-height")) || 56;
  }

  #onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !this.#order.length) return;
    event.preventDefault();
    const here = [...this.#rows.values()].find((row) => row.link === document.activeElement)?.place ?? -1;
    this.#focus(Math.min(Math.max(here + step, 0), this.#order.length - 1));
  }

  #focus(place) {
    const heightPx = this.#rowHeightPx();
    const { scrollTop, clientHeight } = this.scroller;
    if (place * heightPx < scrollTop) this.scroller.scrollTop = place * heightPx;
    if ((place + 1) * heightPx > scrollTop + clientHeight) this.scroller.scrollTop = (place + 1) * heightPx - clientHeight;
    this.#drawRows();
    this.#rows.get(this.#order[place])?.link.focus({ preventScroll: true });
  }

  #onShortcut(event) {
    if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") this.filters.focusSearch();
    else if (event.key === "p") this.#togglePause();
    else return;
    event.preventDefault();
  }
}
