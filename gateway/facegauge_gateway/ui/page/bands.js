// The bands of quality as a chart's background.

import { BAND_BEGINS } from "./words.js";

/**
 * Fills the part of a canvas that belongs to each band.
 * @param {CanvasRenderingContext2D} pen
 * @param {Record<string, string>} colours by band
 * @param {{left: number, top: number, width: number, yAt: (quality: number) => number}} area
 */
export function drawBands(pen, colours, { left, top, width, yAt }) {
  let above = top;
  for (const [band, begins] of Object.entries(BAND_BEGINS)) {
    const below = yAt(begins);
    pen.globalAlpha = band === "poor" ? 0.16 : 0.1;
    pen.fillStyle = colours[band];
    pen.fillRect(left, above, width, below - above);
    above = below;
  }
  pen.globalAlpha = 1;
}
