// Charts over time, by uPlot (MIT), which the page loads before its modules as `uPlot`.

import { drawBands } from "./bands.js";
import { themeColours } from "./colours.js";
import { make } from "./dom.js";
import { clockText } from "./words.js";

const uPlot = window.uPlot;
const HEIGHT_PX = 180;
const AXIS_PX = 48;
const TIME_STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
/** Colours of causes, and of results: apart in light and dark, and for those who see red and green alike. */
const SERIES_COLOURS = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2", "#9c6b4e", "#97a0ad"];

/** A chart with a heading, a legend that says the figures under the pointer, and a sentence for those who cannot see it. */
export class Chart {
  /**
   * @param {{title: string, unit: string, series: {name: string, label: string, colour?: string}[],
   *   top?: number, bands?: boolean, stacked?: boolean, decimals?: number}} options `top` is where the axis ends,
   *   else it follows the figures
   */
  constructor(options) {
    this.options = options;
    this.holder = make("div.plot", { "aria-hidden": "true" });
    this.words = make("p.hidden");
    this.element = make("section.chart", {}, make("h2", {}, options.title), this.words, this.holder);
    this.resize = new ResizeObserver(() => this.#fit());
    this.resize.observe(this.holder);
  }

  /** Draws columns of the series' names. */
  draw(times, columns) {
    const { series, stacked, unit, decimals = 2 } = this.options;
    const shown = series.map(({ name }) => columns[name]);
    this.data = [times, ...(stacked ? stack(shown) : shown)];
    this.raw = [times, ...shown];
    if (!this.plot) this.#make();
    else this.plot.setData(this.data);
    const newest = series
      .map(({ label }, index) => [label, shown[index].at(-1)])
      .filter(([, value]) => value != null)
      .map(([label, value]) => `${label} ${value.toFixed(decimals)}${unit}`);
    this.words.textContent = newest.length ? `Now: ${newest.join(", ")}.` : "No figures now.";
  }

  /** Draws again with the theme of now. */
  repaint() {
    this.plot?.destroy();
    this.plot = null;
    if (this.data) this.#make();
  }

  close() {
    this.resize.disconnect();
    this.plot?.destroy();
  }

  #fit() {
    if (this.plot && this.holder.clientWidth) this.plot.setSize({ width: this.holder.clientWidth, height: HEIGHT_PX });
  }

  #make() {
    const { series, top, bands, stacked, unit, decimals = 2 } = this.options;
    const colours = themeColours();
    const axis = { stroke: colours.soft, grid: { stroke: colours.rule, width: 1 }, ticks: { stroke: colours.rule, width: 1 } };
    const figure = (_, value, index, at) => {
      const raw = this.raw[index].at(at ?? -1);  // under the pointer, else the newest
      return raw == null ? "–" : `${raw.toFixed(decimals)}${unit}`;
    };
    const lines = series.map(({ label, colour, width }, index) => {
      const stroke = colour ? (colours[colour] ?? colour) : SERIES_COLOURS[index % SERIES_COLOURS.length];
      return { label, stroke, width: width ?? 1.5, fill: stacked ? `${stroke}55` : undefined, value: figure, points: { show: false } };
    });
    this.plot = new uPlot(
      {
        width: this.holder.clientWidth || 600,
        height: HEIGHT_PX,
        series: [{ label: "at", value: (_, time, index, at) => clockText(this.raw[0].at(at ?? -1)) }, ...lines],
        scales: { y: { range: (_, least, most) => [0, top ?? Math.max(1e-3, most * 1.1 || 1)] } },
        axes: [{ ...axis, incrs: TIME_STEPS_S, values: (_, times) => times.map(clockText), space: 90 }, { ...axis, size: AXIS_PX }],
        cursor: { drag: { x: false, y: false }, sync: { key: "stream" } },
        legend: { live: true },
        bands: stacked ? lines.slice(1).map((_, index) => ({ series: [index + 1, index + 2] })) : [],
        hooks: bands ? { drawClear: [(plot) => drawBandsOf(plot, colours)] } : {},
      },
      this.data,
      this.holder,
    );
  }
}

/** Adds columns up from the last to the first, so that the first one's line lies on top of all. */
function stack(columns) {
  const sums = columns.map((column) => column.slice());
  for (let row = sums.length - 2; row >= 0; row -= 1) {
    for (let index = 0; index < sums[row].length; index += 1) {
      const below = sums[row + 1][index];
      if (sums[row][index] != null || below != null) sums[row][index] = (sums[row][index] ?? 0) + (below ?? 0);
    }
  }
  return sums;
}

function drawBandsOf(plot, colours) {
  const { left, top, width } = plot.bbox;
  drawBands(plot.ctx, colours, { left, top, width, yAt: (quality) => plot.valToPos(quality, "y", true) });
}
