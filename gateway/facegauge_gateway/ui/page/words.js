// What the page says of a number, a state or a moment, in one place.

/** Where each band of quality begins, the best first. */
export const BAND_BEGINS = { good: 0.8, fair: 0.6, mediocre: 0.4, poor: 0 };
export const BANDS = Object.keys(BAND_BEGINS);

/** Returns the band of a quality (0-1), the same as in the dashboards; "none" without one. */
export function bandOf(quality) {
  if (quality == null) return "none";
  return BANDS.find((band) => quality >= BAND_BEGINS[band]) ?? "poor";
}

/** Returns a quality with two decimals, as everywhere in Facegauge; a dash without one. */
export const qualityText = (quality) => (quality == null ? "–" : quality.toFixed(2));

/** Returns a lowercase short form of an enum value for people. */
export const stateText = (state) => (state ?? "").replaceAll("_", " ");

/** Returns a cause with its figure, "" without one. The gateway writes the words. */
export const causeText = (cause) => cause?.words ?? "";

/** Returns seconds as m:ss or h:mm:ss. */
export function durationText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Returns a moment of Unix time on this machine's clock. */
export const clockText = (unixS) => new Date(unixS * 1000).toLocaleTimeString([], { hour12: false });

/** Returns a size in the unit that suits it. */
export function sizeText(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  let unit = 0;
  let size = bytes;
  for (; size >= 1000 && unit < units.length - 1; unit += 1) size /= 1000;
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${units[unit]}`;
}
