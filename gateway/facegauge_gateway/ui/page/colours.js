// Colours of the theme, for what is drawn on canvases: looked up once, since some are drawn many times a second.

import { BANDS } from "./words.js";

const NAMES = [...BANDS, "line", "soft", "rule", "other"];
let colours = null;

/** Returns the theme's colours by the names of their custom properties. */
export function themeColours() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return colours;
}

/** Forgets them, as the theme has changed. */
export function forgetColours() {
  colours = null;
}
