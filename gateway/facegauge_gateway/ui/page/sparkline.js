// A quality over time as a small line over the bands, drawn on a canvas: many are drawn each second.

import { drawBands } from "./bands.js";
import { themeColours } from "./colours.js";
import { bandOf } from "./words.js";

/**
 * Draws qualities a second apart, the newest at the right edge.
 * @param {HTMLCanvasElement} canvas as large as its style says
 * @param {(number | null)[]} qualities with gaps where there was none
 * @param {number} span how many fit into the width
 */
export function drawSparkline(canvas, qualities, span) {
  const colours = themeColours();
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width) return;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  drawBands(pen, colours, { left: 0, top: 0, width, yAt: (quality) => (1 - quality) * height });
  const y = (quality) => 2 + (1 - quality) * (height - 4);
  const x = (index) => width - 3 - ((qualities.length - 1 - index) / (span - 1)) * (width - 4);
  pen.beginPath();
  let isDown = false;
  qualities.forEach((quality, index) => {
    if (quality != null) pen[isDown ? "lineTo" : "moveTo"](x(index), y(quality));
    isDown = quality != null;
  });
  pen.strokeStyle = colours.line;
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  pen.stroke();
  const newest = qualities.at(-1);
  if (newest == null) return;
  pen.beginPath();
  pen.arc(x(qualities.length - 1), y(newest), 2.5, 0, 2 * Math.PI);
  pen.fillStyle = colours[bandOf(newest)];
  pen.fill();
}
