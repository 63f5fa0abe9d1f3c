// Sliders that make the camera worse, each with its figure.

import { make } from "./dom.js";

const LEAST_KBIT_PER_S = 30;
const MOST_KBIT_PER_S = 2500;
const BITRATE_STEPS = 100;

/** Returns bits per second at a place of the slider, where equal steps are equal ratios; null at its end: no limit. */
export const bitsPerSecondAt = (place) =>
  place >= BITRATE_STEPS
    ? null
    : 1000 * Math.round(LEAST_KBIT_PER_S * (MOST_KBIT_PER_S / LEAST_KBIT_PER_S) ** (place / BITRATE_STEPS));

function bitrateText(place) {
  const bits = bitsPerSecondAt(place);
  return bits === null ? "no limit" : `${bits / 1000} kbit/s`;
}

const SLIDERS = {
  bitrate: { label: "Bit rate", min: 0, max: BITRATE_STEPS, best: BITRATE_STEPS, text: bitrateText },
  lines: { label: "Lines", min: 90, max: 720, step: 30, best: 720, text: (lines) => `${lines}` },
  blur: { label: "Blur", min: 0, max: 12, step: 0.5, best: 0, text: (pixels) => `${pixels} px` },
  noise: { label: "Noise", min: 0, max: 60, best: 0, text: (percent) => `${percent} %` },
  brightness: { label: "Brightness", min: 5, max: 250, step: 5, best: 100, text: (percent) => `${percent} %` },
};

/** The sliders; `values` has a number for each name, and `onChange` is called as one moves. */
export class Sliders {
  constructor(onChange) {
    this.inputs = {};
    const rows = Object.entries(SLIDERS).map(([name, { label, min, max, step = 1, best, text }]) => {
      const figure = make("output", {}, text(best));
      const input = make("input", { type: "range", min, max, step, value: best, name });
      input.addEventListener("input", () => {
        this.#show(name, figure);
        onChange(this.values);
      });
      input.setAttribute("aria-valuetext", text(best));
      this.inputs[name] = { input, figure };
      return make("label", {}, make("span", {}, label), input, figure);
    });
    const reset = make("button", { type: "button", onclick: () => this.#reset(onChange) }, "As good as it gets");
    this.element = make("fieldset.sliders", {}, make("legend", {}, "Make it worse"), ...rows, reset);
  }

  get values() {
    return Object.fromEntries(Object.entries(this.inputs).map(([name, { input }]) => [name, Number(input.value)]));
  }

  #show(name, figure) {
    const text = SLIDERS[name].text(Number(this.inputs[name].input.value));
    figure.textContent = text;
    this.inputs[name].input.setAttribute("aria-valuetext", text);
  }

  #reset(onChange) {
    for (const [name, { input, figure }] of Object.entries(this.inputs)) {
      input.value = SLIDERS[name].best;
      this.#show(name, figure);
    }
    onChange(this.values);
  }
}
