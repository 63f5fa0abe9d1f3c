// What the wall shows, as its link carries it: filters, search, and whether it is paused.

import { BANDS, bandOf } from "./words.js";

export const ALL_BANDS = [...BANDS, "none"];

/** Reads a view from the part of a link after "#/?". */
export function readView(query) {
  const given = new URLSearchParams(query);
  const bands = (given.get("band") ?? "").split(",").filter((band) => ALL_BANDS.includes(band));
  return {
    call: given.get("call"),
    tenant: given.get("tenant"),
    bands: bands.length ? bands : ALL_BANDS,
    search: given.get("search") ?? "",
  };
}

/** Writes a view as a link, without what is no restriction. */
export function linkTo({ call, tenant, bands, search }) {
  const given = new URLSearchParams();
  if (call != null) given.set("call", call);
  if (tenant != null) given.set("tenant", tenant);
  if (bands.length < ALL_BANDS.length) given.set("band", bands.join(","));
  if (search) given.set("search", search);
  const query = given.toString();
  return query ? `#/?${query}` : "#/";
}

/** Returns whether a view shows a stream. */
export function shows({ call, tenant, bands, search }, status) {
  if (call != null && status.call_id !== call) return false;
  if (tenant != null && (status.tenant ?? "") !== tenant) return false;
  if (!bands.includes(bandOf(status.quality))) return false;
  const wanted = search.trim().toLowerCase();
  return !wanted || `${status.stream_id}\n${status.call_id}`.toLowerCase().includes(wanted);
}

/** Returns the link to a stream's own page. */
export function streamLink({ stream_id: id, tenant }) {
  return `#/stream?${new URLSearchParams({ id, ...(tenant ? { tenant } : {}) })}`;
}
