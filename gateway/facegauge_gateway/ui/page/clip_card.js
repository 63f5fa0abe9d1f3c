// One clip: on its way up, playing, and as a report.

import { make, setClass, setText } from "./dom.js";
import { follow } from "./events.js";
import { request } from "./requests.js";
import { drawSparkline } from "./sparkline.js";
import { authorization } from "./token.js";
import { bandOf, causeText, durationText, qualityText, sizeText, stateText } from "./words.js";

const SHOWN = 240;

/** A card that shows a clip from its upload to its report. */
export class ClipCard {
  #qualities = [];
  #stop = new AbortController();

  constructor(file, maxBytes, onClose) {
    this.name = file.name;
    this.quality = make("b.quality.none", {}, "–");
    this.says = make("p.says", { role: "status" }, "Waiting.");
    this.bar = make("progress", { max: 1, value: 0, "aria-label": `Progress of ${file.name}` });
    this.line = make("canvas.line", { "aria-hidden": "true" });
    this.links = make("p.links");
    this.end = make("button", { type: "button", onclick: () => this.#close(onClose) }, "Cancel");
    this.element = make("section.card", {},
      make("div.title", {}, this.quality, make("div", {}, make("h2", {}, file.name), this.says), this.end),
      this.bar, this.line, this.links);
    this.#run(file, maxBytes);
  }

  async #run(file, maxBytes) {
    try {
      if (file.size > maxBytes) {
        throw new Error(`It has ${sizeText(file.size)}, and the gateway takes ${sizeText(maxBytes)} at most: cut it, or use facegauge replay.`);
      }
      if (!file.size) throw new Error("It is empty, or a folder: drop a video or a picture.");
      const { id } = await this.#upload(file);
      this.url = `/ui/clips/${id}`;
      if (this.#stop.signal.aborted) this.#forget();
      else await this.#watch();
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fail(error.message);
    }
  }

  /** Sends the file by XMLHttpRequest, which alone says how far it is. */
  #upload(file) {
    return new Promise((done, fail) => {
      const upload = new XMLHttpRequest();
      upload.open("POST", `/ui/clips?name=${encodeURIComponent(file.name)}`);
      for (const [name, value] of Object.entries(authorization())) upload.setRequestHeader(name, value);
      upload.upload.onprogress = ({ loaded, total }) => {
        this.bar.value = total ? loaded / total : 0;
        setText(this.says, `Sending, ${sizeText(loaded)} of ${sizeText(total)}`);
      };
      upload.onload = () => {
        if (upload.status === 201) done(JSON.parse(upload.responseText));
        else fail(new Error(upload.responseText.trim() || `The gateway answers ${upload.status}.`));
      };
      upload.onerror = () => fail(new Error("The gateway broke the upload off: is it running, and the file still there?"));
      this.#stop.signal.addEventListener("abort", () => upload.abort());
      upload.send(file);
    });
  }

  async #watch() {
    const over = new AbortController();
    this.#stop.signal.addEventListener("abort", () => over.abort());
    await follow(this.url, {
      signal: over.signal,
      onEvent: (name, data) => {
        if (name === "progress") this.#progress(data);
        else over.abort();
        if (name === "done") this.#done(data);
        if (name === "failed") this.#fail(data.error);
      },
      onLost: (why) => setText(this.says, why),
    });
  }

  #progress({ fraction, position_s: position, duration_s: duration, quality, state, main_cause: cause }) {
    if (fraction == null) this.bar.removeAttribute("value");
    else this.bar.value = fraction;
    const where = duration ? `${durationText(position)} of ${durationText(duration)}` : durationText(position);
    setText(this.says, ["Playing", where, causeText(cause), state && stateText(state)].filter(Boolean).join(" · "));
    this.#show(quality);
    this.#qualities.push(quality ?? null);
    drawSparkline(this.line, this.#qualities.slice(-SHOWN), SHOWN);
  }

  #done({ report, mean_quality: mean, p10_quality: p10 }) {
    this.#show(mean);
    setText(this.says, mean == null ? "No face was scored." : `Mean quality ${qualityText(mean)}, a tenth of the time under ${qualityText(p10)}`);
    this.bar.hidden = this.line.hidden = true;
    this.end.textContent = "Remove";
    const file = `${this.name.replace(/\.[^.]*$/, "")}.html`;
    this.links.replaceChildren(
      make("a", { href: report, target: "_blank", rel: "noopener" }, "Open the report in a tab of its own"),
      make("a", { href: report, download: file }, "Save it"),
    );
    this.element.append(make("iframe", { src: report, title: `Report of ${this.name}` }));
  }

  #show(quality) {
    setText(this.quality, qualityText(quality));
    setClass(this.quality, `quality ${bandOf(quality)}`);
  }

  #fail(text) {
    setText(this.says, text);
    this.says.className = "problem";
    this.bar.hidden = this.line.hidden = true;
    this.end.textContent = "Remove";
  }

  #close(onClose) {
    this.#stop.abort();
    this.#forget();
    this.element.remove();
    onClose(this);
  }

  #forget() {
    if (this.url) request(this.url, { method: "DELETE" }).catch(() => {});
  }
}
