// One stream's page: what it was like for as long as the page is open, and its last events.

import { Chart } from "./charts.js";
import { make, setClass, setText } from "./dom.js";
import { EventList } from "./event_list.js";
import { follow } from "./events.js";
import { CAUSES, RESULTS, Series, spansOf } from "./series.js";
import { Strip } from "./strip.js";
import { bandOf, causeText, durationText, qualityText, stateText } from "./words.js";

const DRAW_MS = 1000;

/** The page of one stream; `close` ends it. */
export class StreamPage {
  constructor(main, { query, info }) {
    const given = new URLSearchParams(query);
    this.names = { stream_id: given.get("id") ?? "", tenant: given.get("tenant") ?? "" };
    this.info = info;
    this.series = new Series();
    this.quality = make("b.quality.none", {}, "–");
    this.facts = make("p.facts", { role: "status" }, "Waiting for the stream.");
    this.links = make("p.links");
    this.charts = makeCharts();
    this.states = new Strip("State", "state");
    this.faults = new Strip("Faults of the stream", "fault");
    this.events = new EventList();
    const [quality, ...others] = this.charts;
    main.replaceChildren(
      make("article.stream", {},
        make("p.back", {}, make("a", { href: "#/" }, "← All streams")),
        make("div.title", {}, this.quality, make("div", {}, make("h1", {}, this.names.stream_id || "No name"), this.facts, this.links)),
        quality.element, this.states.element, this.faults.element, ...others.map((chart) => chart.element),
        this.events.element,
      ),
    );
    this.stop = new AbortController();
    const { signal } = this.stop;
    const names = new URLSearchParams(this.names);
    follow(`/ui/stream?${names}`, { signal, silenceMs: 10000, onEvent: (name, data) => this.#take(name, data), onLost: (why) => this.#lose(why) });
    follow(`/ui/events?${names}`, { signal, silenceMs: 40000, onEvent: (name, data) => this.#takeEvent(name, data) });
    this.timer = setInterval(() => this.#draw(), DRAW_MS);
  }

  close() {
    this.stop.abort();
    clearInterval(this.timer);
    for (const chart of this.charts) chart.close();
  }

  /** Draws again with another theme. */
  repaint() {
    for (const chart of this.charts) chart.repaint();
  }

  #take(name, data) {
    if (name === "away") return this.#lose(data.reason);
    if (name === "absent") {
      this.series.addGap(data.time_s);
      const had = this.status ? "The stream has ended." : "There is no live stream of this name.";
      return this.#say(had, "–", "none");
    }
    const { status } = data;
    const isFirst = !this.status;
    this.status = status;
    this.series.add(data.time_s, status);
    const faces = `${status.faces} face${status.faces === 1 ? "" : "s"}`;
    const facts = [
      causeText(status.main_cause), stateText(status.state), status.call_id && `call ${status.call_id}`,
      status.tenant && `tenant ${status.tenant}`, faces, `${status.fps.toFixed(1)} fps`, `for ${durationText(status.age_s)}`,
    ];
    this.#say(facts.filter(Boolean).join(" · "), qualityText(status.quality), bandOf(status.quality));
    this.#link(status);
    if (isFirst) this.#draw();
    return undefined;
  }

  #takeEvent(name, data) {
    if (name === "event") this.events.add(data);
    if (name === "missed") this.events.addMissed(data);
  }

  #lose(why) {
    if (this.series.times.length) this.series.addGap(this.series.times.at(-1) + 0.01);
    this.#say(why, "–", "none");
  }

  #say(facts, quality, band) {
    setText(this.facts, facts);
    setText(this.quality, quality);
    setClass(this.quality, `quality ${band}`);
  }

  /** Links to where an alert about this stream leads, as far as the gateway was told. */
  #link(status) {
    const fill = (template) =>
      template.replace(/\{(call_id|stream_id|cause)\}/g, (_, name) =>
        encodeURIComponent(name === "cause" ? (status.main_cause?.kind ?? "").replaceAll("_", "-") : status[name]),
      );
    const stamp = `${status.main_cause?.kind}`;
    if (this.linked === stamp) return;
    this.linked = stamp;
    const { dashboard_url: dashboard, runbook_url: runbook } = this.info;
    const links = [];
    const elsewhere = { target: "_blank", rel: "noopener noreferrer" };
    if (dashboard) links.push(make("a", { href: fill(dashboard), ...elsewhere }, "Dashboard"));
    if (runbook && status.main_cause) {
      links.push(make("a", { href: fill(runbook), ...elsewhere }, `What to do about ${stateText(status.main_cause.kind)}`));
    }
    this.links.replaceChildren(...links);
  }

  #draw() {
    const { times, columns, states, faults } = this.series;
    if (!times.length || document.hidden) return;
    for (const chart of this.charts) chart.draw(times, columns);
    const [start, end] = [times[0], times.at(-1)];
    this.states.draw(spansOf(times, (index) => states[index]), start, end);
    this.faults.draw(spansOf(times, (index) => faults[index][0] ?? null), start, end);
  }
}

function makeCharts() {
  return [
    new Chart({
      title: "Quality", unit: "", top: 1, bands: true,
      series: [
        { name: "raw", label: "of each frame", colour: "soft", width: 1 },
        { name: "quality", label: "smoothed", colour: "line", width: 2 },
      ],
    }),
    new Chart({
      title: "Causes: what each costs", unit: "", stacked: true,
      series: CAUSES.map((name) => ({ name, label: name })),
    }),
    new Chart({
      title: "Frames a second, by result", unit: " fps", stacked: true, decimals: 1,
      series: Object.entries(RESULTS).map(([name, label]) => ({ name, label })),
    }),
    new Chart({ title: "Time from a frame to its answer", unit: " ms", decimals: 0, series: [{ name: "answer", label: "answer", colour: "line" }] }),
  ];
}
