// What the server says of its streams, kept as the page needs it: the newest list, and two minutes of quality.

import { follow } from "./events.js";

export const HISTORY_S = 120;
const STALE_AFTER_MS = 3500;

/** Names a stream among those of all tenants. */
export const keyOf = (status) => `${status.tenant ?? ""}\n${status.stream_id}`;

/** All live streams, as long as somebody watches. Says `changed` for each list, `connection` for what else happens. */
export class LiveStreams extends EventTarget {
  /** @type {Map<string, object>} statuses by key */
  streams = new Map();
  /** @type {Map<string, (number | null)[]>} qualities a second apart by key, the newest last */
  histories = new Map();
  total = 0;
  server = null;
  /** Why there is no news; "" while there is. */
  trouble = "Connecting.";
  #heardMs = 0;

  /** Follows the gateway until `signal` aborts. */
  async run(signal) {
    const watch = setInterval(() => this.dispatchEvent(new Event("connection")), 1000);
    signal.addEventListener("abort", () => clearInterval(watch));
    await follow("/ui/streams", {
      signal,
      silenceMs: 10000,
      onEvent: (name, data) => this.#take(name, data),
      onLost: (why) => this.#lose(why),
    });
  }

  /** Seconds since the last list came; null before the first. */
  get ageS() {
    return this.#heardMs ? (performance.now() - this.#heardMs) / 1000 : null;
  }

  /** Whether what is shown is no longer how things stand. */
  get isStale() {
    return this.trouble !== "" || this.ageS * 1000 > STALE_AFTER_MS;
  }

  #take(name, data) {
    if (name === "away") return this.#lose(data.reason);
    if (name === "snapshot") this.histories.clear();
    const streams = new Map();
    const histories = new Map();
    for (const status of data.streams) {
      const key = keyOf(status);
      let history = status.history;
      if (!history) {
        history = this.histories.get(key) ?? [];
        history.push(status.quality ?? null);
        if (history.length > HISTORY_S) history.shift();
      }
      delete status.history;
      streams.set(key, status);
      histories.set(key, history);
    }
    this.streams = streams;
    this.histories = histories;
    this.total = data.total;
    this.server = data.server ?? null;
    this.trouble = "";
    this.#heardMs = performance.now();
    this.dispatchEvent(new Event("changed"));
    this.dispatchEvent(new Event("connection"));
  }

  #lose(why) {
    this.trouble = why;
    this.dispatchEvent(new Event("connection"));
  }
}
