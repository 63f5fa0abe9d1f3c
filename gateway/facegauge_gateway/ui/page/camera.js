// Your own camera: published to the gateway, its assessment drawn over it, and sliders that make it worse.

import { make, setClass, setText } from "./dom.js";
import { follow } from "./events.js";
import { drawOverlay } from "./overlay.js";
import { Publisher } from "./publisher.js";
import { Sliders, bitsPerSecondAt } from "./sliders.js";
import { drawSparkline } from "./sparkline.js";
import { SpoiledCamera, cameraProblem } from "./spoiled_camera.js";
import { bandOf, causeText, qualityText, stateText } from "./words.js";

const CALL_ID = "camera";
const DRAW_MS = 1000 / 15;
const FIGURES_MS = 1000;
const SHOWN_ANSWERS = 300;
const NOTICE = `Your picture goes to the gateway that this page came from, and from there to its Facegauge server, and
nowhere else. It is scored and forgotten: no picture is kept, and there is no sound.`;

/** The page of the camera; `close` ends it. */
export class CameraPage {
  #answer = null;
  #qualities = [];
  #cause = "";

  constructor(main) {
    this.button = make("button.start", { type: "button", onclick: () => this.#toggle() }, "Start the camera");
    this.problem = make("p.problem", { role: "alert", hidden: true });
    this.preview = make("canvas.preview", { width: 1280, height: 720, role: "img", "aria-label": "Your camera's picture" });
    this.quality = make("b.quality.none", {}, "–");
    this.says = make("p.says", { role: "status" });
    this.figures = make("p.figures");
    this.line = make("canvas.line", { "aria-hidden": "true" });
    this.sliders = new Sliders(() => this.#spoil());
    main.replaceChildren(
      make("article.camera", {},
        make("h1", {}, "Your camera"),
        make("p.notice", {}, NOTICE.replaceAll("\n", " ")),
        make("p", {}, this.button), this.problem,
        make("div.studio", {},
          make("div.stage", {}, this.preview),
          make("div.side", {}, make("div.title", {}, this.quality, make("div", {}, this.says, this.figures)), this.line, this.sliders.element),
        ),
      ),
    );
    this.leave = () => this.#stop();
    addEventListener("pagehide", this.leave);
    this.timers = [setInterval(() => this.#draw(), DRAW_MS), setInterval(() => this.#measure(), FIGURES_MS)];
  }

  close() {
    this.timers.forEach(clearInterval);
    removeEventListener("pagehide", this.leave);
    this.#stop();
  }

  repaint() {
    drawSparkline(this.line, this.#qualities, SHOWN_ANSWERS);
  }

  async #toggle() {
    if (this.camera) return this.#stop();
    this.problem.hidden = true;
    this.button.disabled = true;
    try {
      await this.#start();
      this.button.textContent = "Stop the camera";
    } catch (error) {
      this.#stop();
      this.#complain(error.status === undefined ? cameraProblem(error) : error.message);
    } finally {
      this.button.disabled = false;
    }
    return undefined;
  }

  async #start() {
    this.camera = await SpoiledCamera.open();
    this.camera.onEnded = () => this.#end("The camera was taken away. Start again.");
    this.streamId = `camera-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    this.publisher = await Publisher.publish(this.camera.track, {
      streamId: this.streamId,
      callId: CALL_ID,
      onAnswer: (answer) => this.#take(answer),
      onEnd: (why) => this.#end(why),
    });
    this.stop = new AbortController();
    const names = new URLSearchParams({ stream_id: this.streamId });
    follow(`/ui/stream?${names}`, { signal: this.stop.signal, onEvent: (name, data) => this.#takeStatus(name, data) });
    this.#spoil();
  }

  #stop() {
    this.stop?.abort();
    this.publisher?.close();
    this.camera?.close();
    this.stop = this.publisher = this.camera = null;
    this.#answer = null;
    this.button.textContent = "Start the camera";
    setText(this.quality, "–");
    setClass(this.quality, "quality none");
    setText(this.says, "");
    setText(this.figures, "");
  }

  #end(why) {
    this.#stop();
    this.#complain(why);
  }

  #complain(text) {
    this.problem.textContent = text;
    this.problem.hidden = false;
  }

  #spoil() {
    if (!this.camera) return;
    const { bitrate, lines, blur, noise, brightness } = this.sliders.values;
    this.camera.spoil = { blur, noise: noise / 100, brightness: brightness / 100 };
    this.publisher?.limit(bitsPerSecondAt(bitrate), this.camera.canvas.height / lines).catch((error) => this.#complain(error.message));
  }

  #take(answer) {
    if (answer.event === "summary") return this.#end("The server has ended the stream. Start again.");
    this.#answer = { assessment: answer, heardMs: performance.now() };
    this.#qualities.push(answer.quality ?? null);
    if (this.#qualities.length > SHOWN_ANSWERS) this.#qualities.shift();
    setText(this.quality, qualityText(answer.quality));
    setClass(this.quality, `quality ${bandOf(answer.quality)}`);
    if (answer.error) this.#complain(answer.error);
    this.#say();
    this.repaint();
    return undefined;
  }

  #takeStatus(name, data) {
    if (name !== "status") return;
    this.#cause = causeText(data.status.main_cause);
    this.answerMs = data.status.answer_time_s == null ? null : data.status.answer_time_s * 1000;
    this.#say();
  }

  #say() {
    const state = this.#answer?.assessment.state;
    const words = [this.#cause, state === "scored" ? "" : stateText(state)].filter(Boolean).join(" · ");
    setText(this.says, words || "Nothing stands out.");
  }

  #draw() {
    if (this.camera && !document.hidden) drawOverlay(this.preview, this.camera.canvas, this.#answer);
  }

  async #measure() {
    const sent = await this.publisher?.sent();
    if (!sent) return;
    const nowMs = performance.now();
    const before = this.sentBefore;
    this.sentBefore = { bytes: sent.bytes, ms: nowMs };
    if (!before || before.bytes > sent.bytes) return;
    const kbitPerS = (8 * (sent.bytes - before.bytes)) / (nowMs - before.ms);
    const answered = this.answerMs == null ? "" : ` · scored in ${Math.round(this.answerMs)} ms`;
    setText(this.figures, `${sent.width}×${sent.height}, ${Math.round(sent.fps)} fps, ${Math.round(kbitPerS)} kbit/s${answered}`);
  }
}
