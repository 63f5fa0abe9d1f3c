// Server-sent events over fetch, since EventSource cannot show a token: read, watched over, and begun again.

import { Refused, request } from "./requests.js";

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 8000;

/**
 * Follows a stream of events until `signal` aborts, over as many connections as it takes.
 *
 * A connection that stays silent for `silenceMs` is given up: after a laptop slept, nobody else would notice.
 * @param {string} url
 * @param {{onEvent: (name: string, data: any) => void, onLost?: (why: string) => void, signal: AbortSignal,
 *   silenceMs?: number}} options `onLost` is told why there is no connection, each time that one is missing
 */
export async function follow(url, { onEvent, onLost = () => {}, signal, silenceMs = 20000 }) {
  let delayMs = FIRST_DELAY_MS;
  while (!signal.aborted) {
    const connection = new AbortController();
    const giveUp = () => connection.abort();
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      const response = await request(url, { signal: connection.signal });
      await readEvents(response.body, giveUp, silenceMs, (name, data) => {
        delayMs = FIRST_DELAY_MS;
        onEvent(name, data);
      });
      if (signal.aborted) return; // whoever follows has heard the last event
      onLost("The gateway has closed the connection.");
    } catch (error) {
      if (signal.aborted) return;
      onLost(error instanceof Refused ? error.message : "The connection to the gateway was lost.");
      if (!(error instanceof Refused) && error.name !== "AbortError" && error.name !== "TypeError") throw error;
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    await delay(delayMs * (0.75 + Math.random() / 2), signal);
    delayMs = Math.min(2 * delayMs, LONGEST_DELAY_MS);
  }
}

async function readEvents(body, giveUp, silenceMs, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let left = "";
  for (;;) {
    const silence = setTimeout(giveUp, silenceMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    const blocks = (left + value).split("\n\n");
    left = blocks.pop();
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) onEvent(event.name, event.data);
    }
  }
}

/** Returns one event of a block of lines; null for a comment, which only shows that the connection lives. */
export function parseEvent(block) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data += line.slice(6);
  }
  return data ? { name, data: JSON.parse(data) } : null;
}

/** Waits; a page that comes back into view, or online, waits no longer. */
function delay(milliseconds, signal) {
  return new Promise((done) => {
    const stop = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", stop);
      removeEventListener("online", stop);
      signal.removeEventListener("abort", stop);
      done();
    };
    const timer = setTimeout(stop, milliseconds);
    document.addEventListener("visibilitychange", stop);
    addEventListener("online", stop);
    signal.addEventListener("abort", stop);
  });
}
