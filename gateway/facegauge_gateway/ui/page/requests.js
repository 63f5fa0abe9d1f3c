// Requests to the gateway, whose refusals are sentences for people.

import { askForToken, authorization } from "./token.js";

/** What the gateway refused, in its own words. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const UNREACHABLE = "The gateway does not answer: is facegauge-gateway still running?";

/**
 * Fetches from the gateway, with the token where there is one, and asks for one where that is not enough.
 * @throws {Refused} with what the gateway says, or that it does not answer (status 0)
 */
export async function request(url, options = {}) {
  for (;;) {
    let response;
    try {
      const headers = { ...authorization(), ...options.headers };
      response = await fetch(url, { ...options, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused(0, UNREACHABLE);
    }
    if (response.ok) return response;
    const said = (await response.text()).trim() || `The gateway answers ${response.status}.`;
    if (response.status !== 401) throw new Refused(response.status, said);
    await askForToken(said);
  }
}

/** Fetches what the gateway is, and what it asks for. */
export const fetchInfo = async () => (await request("/ui/info")).json();
