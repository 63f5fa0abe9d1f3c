// The page: which part is shown, the line at the bottom that says how things stand, and the theme.

import { CameraPage } from "./camera.js";
import { ClipPage } from "./clip.js";
import { make, setClass, setText } from "./dom.js";
import { watchForDrops } from "./drop.js";
import { LiveStreams } from "./live.js";
import { fetchInfo } from "./requests.js";
import { StreamPage } from "./stream.js";
import { showTheme } from "./theme.js";
import { Wall } from "./wall.js";

const PAGES = {
  wall: { path: "/", title: "Live", make: (main, context) => new Wall(main, context) },
  stream: { path: "/stream", title: "Stream", make: (main, context) => new StreamPage(main, context) },
  camera: { path: "/camera", title: "Your camera", make: (main, context) => new CameraPage(main, context) },
  clip: { path: "/clip", title: "A clip", make: (main, context) => new ClipPage(main, context) },
};
const main = document.getElementById("main");
const live = new LiveStreams();
const shared = { live, info: {}, dropped: [] };
let page = null;

/** Shows the part that the link names. */
function route() {
  const [path, query = ""] = (location.hash.slice(1) || "/").split("?", 2);
  const name = Object.keys(PAGES).find((key) => PAGES[key].path === path) ?? "wall";
  page?.close();
  page = PAGES[name].make(main, { ...shared, query });
  document.title = `${PAGES[name].title} · Facegauge`;
  document.body.dataset.page = name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** Says whether there is news, from where, and who answers. */
function showConnection() {
  const { trouble, isStale, ageS, server } = live;
  const age = ageS === null ? "" : ` Last news ${Math.round(ageS)} s ago.`;
  const text = isStale ? `${trouble || "Nothing comes from the gateway."}${age}` : "Connected";
  const connection = document.getElementById("connection");
  setClass(connection, isStale ? (ageS === null && trouble === "Connecting." ? "" : "stale") : "live");
  setText(connection, text);
  document.body.classList.toggle("stale", isStale && ageS !== null);
  const facts = server && [
    `server ${server.version}`, server.replica, server.model?.name && `model ${server.model.name}`,
    shared.info.version && `gateway ${shared.info.version}`,
  ];
  setText(document.getElementById("identity"), (facts ?? []).filter(Boolean).join(" · "));
}

function showDropped(files) {
  shared.dropped.push(...files);
  if (document.body.dataset.page === "clip") page.takeDropped();
  else location.hash = "#/clip";
}

showTheme(document.getElementById("theme"), () => page?.repaint?.());
watchForDrops(document.getElementById("drop"), showDropped);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", route);
live.addEventListener("connection", showConnection);
live.run(new AbortController().signal);
try {
  Object.assign(shared.info, await fetchInfo());
} catch (error) {
  main.replaceChildren(make("p.problem", { role: "alert" }, error.message));
}
route();
showConnection();
