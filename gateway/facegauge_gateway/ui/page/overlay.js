// What an assessment says, drawn over the picture that it is about.

import { themeColours } from "./colours.js";
import { bandOf, qualityText } from "./words.js";

const HOLD_MS = 2500;

/**
 * Draws a picture, and over it the faces of the newest assessment: a box, and its quality.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasImageSource & {width: number, height: number}} picture
 * @param {{assessment: object, heardMs: number} | null} answer old ones are not drawn
 */
export function drawOverlay(canvas, picture, answer) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    [canvas.width, canvas.height] = [picture.width, picture.height];
  }
  const pen = canvas.getContext("2d", { alpha: false });
  pen.drawImage(picture, 0, 0);
  if (!answer || performance.now() - answer.heardMs > HOLD_MS) return;
  const { faces, frame_width: width, main_track_id: main } = answer.assessment;
  const scale = width ? canvas.width / width : 1;
  const colours = themeColours();
  const unit = canvas.height / 360;
  for (const face of faces) {
    const { x, y, width: across, height: down } = face.box;
    const colour = colours[bandOf(face.quality)] ?? colours.other;
    pen.lineWidth = (face.track_id === main ? 3 : 1.5) * unit;
    pen.strokeStyle = colour;
    pen.strokeRect(x * scale, y * scale, across * scale, down * scale);
    drawLabel(pen, qualityText(face.quality), x * scale, y * scale, colour, unit);
  }
}

function drawLabel(pen, text, left, top, colour, unit) {
  pen.font = `600 ${16 * unit}px system-ui, sans-serif`;
  const [width, height] = [pen.measureText(text).width + 10 * unit, 22 * unit];
  const above = Math.max(0, top - height);
  pen.fillStyle = colour;
  pen.fillRect(left, above, width, height);
  pen.fillStyle = "#fff";
  pen.fillText(text, left + 5 * unit, above + 16 * unit);
}
