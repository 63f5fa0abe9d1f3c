// Clips and pictures: dropped on the page, played by the gateway, and ending as the report of `replay --report`.

import { ClipCard } from "./clip_card.js";
import { make } from "./dom.js";
import { sizeText } from "./words.js";

const cards = [];

/** The page of clips; `close` ends it. Clips go on while another part of the page is shown. */
export class ClipPage {
  constructor(main, { info, dropped }) {
    this.info = info;
    this.dropped = dropped;
    this.input = make("input", { type: "file", multiple: true, accept: "video/*,image/*", id: "clip-file" });
    this.input.addEventListener("change", () => {
      this.#play([...this.input.files]);
      this.input.value = "";
    });
    this.list = make("div.cards", {}, ...cards.map((card) => card.element));
    const limit = info.max_clip_bytes ? `, ${sizeText(info.max_clip_bytes)} at most` : "";
    main.replaceChildren(
      make("article.clip", {},
        make("h1", {}, "A clip"),
        make("p.notice", {}, `A video or a picture${limit}, is played to the server as a stream of its own and ends as a
          report. The gateway deletes it as soon as it has played, and keeps the report for a while.`.replace(/\s+/g, " ")),
        make("p.pick", {}, make("label", { for: "clip-file" }, "Drop a file anywhere on this page, or choose one: "), this.input),
        this.list,
      ),
    );
    this.takeDropped();
  }

  close() {}

  /** Plays what was dropped on the page. */
  takeDropped() {
    this.#play(this.dropped.splice(0));
  }

  #play(files) {
    for (const file of files) {
      const card = new ClipCard(file, this.info.max_clip_bytes ?? Infinity, (closed) => cards.splice(cards.indexOf(closed), 1));
      cards.unshift(card);
      this.list.prepend(card.element);
    }
  }
}
