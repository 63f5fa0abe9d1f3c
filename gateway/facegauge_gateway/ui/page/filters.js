// The wall's filters: a search, the call, the tenant where there are several, and the bands.

import { make } from "./dom.js";
import { ALL_BANDS } from "./view.js";
import { bandOf } from "./words.js";

const ANY = "\u0000";
const MOST_OFFERED = 500;

/** The controls; `onChange` gets the view that they make. */
export class Filters {
  constructor(view, onChange) {
    this.view = view;
    this.change = (part) => onChange((this.view = { ...this.view, ...part }));
    this.search = make("input", {
      type: "search", value: view.search, placeholder: "Search names  ( / )", "aria-label": "Search names",
      oninput: () => this.change({ search: this.search.value }),
    });
    this.call = this.#select("Call", "All calls", (call) => this.change({ call }));
    this.tenant = this.#select("Tenant", "All tenants", (tenant) => this.change({ tenant }));
    this.bands = ALL_BANDS.map((band) => this.#band(band));
    const bands = make("fieldset", {}, make("legend.hidden", {}, "Bands of quality"), ...this.bands);
    this.element = make("div.filters", {}, this.search, this.call, this.tenant, bands);
  }

  focusSearch() {
    this.search.focus();
  }

  /** Offers what the live streams have, and counts them by band. */
  offer(statuses) {
    const [calls, tenants, counts] = [new Set(), new Set(), {}];
    for (const status of statuses) {
      calls.add(status.call_id);
      tenants.add(status.tenant ?? "");
      const band = bandOf(status.quality);
      counts[band] = (counts[band] ?? 0) + 1;
    }
    offer(this.call, calls, this.view.call, "no call");
    offer(this.tenant, tenants, this.view.tenant, "no tenant");
    this.tenant.hidden = tenants.size < 2 && this.view.tenant == null;
    this.bands.forEach((label, index) => {
      const text = String(counts[ALL_BANDS[index]] ?? 0);
      if (label.lastChild.textContent !== text) label.lastChild.textContent = text;
    });
  }

  #select(name, all, onChange) {
    const select = make("select", { "aria-label": name }, make("option", { value: ANY }, all));
    select.dataset.offered = "";
    select.addEventListener("change", () => onChange(select.value === ANY ? null : select.value));
    return select;
  }

  #band(band) {
    const box = make("input", { type: "checkbox", checked: this.view.bands.includes(band) });
    box.addEventListener("change", () => {
      const bands = ALL_BANDS.filter((_, index) => this.bands[index].firstChild.checked);
      this.change({ bands: bands.length ? bands : ALL_BANDS });
      if (!bands.length) for (const label of this.bands) label.firstChild.checked = true;
    });
    return make(`label.${band}`, {}, box, band === "none" ? "no score " : `${band} `, make("span"));
  }
}

/** Gives a select its options, where they are others than before; the chosen one stays on offer. */
function offer(select, values, chosen, emptyName) {
  const offered = [...values].sort().slice(0, MOST_OFFERED);
  if (chosen != null && !values.has(chosen)) offered.unshift(chosen);
  const stamp = offered.join("\n");
  if (select.dataset.offered !== stamp || select.options.length === 1) {
    select.dataset.offered = stamp;
    const options = offered.map((value) => make("option", { value }, value || emptyName));
    select.replaceChildren(select.options[0], ...options);
  }
  const wanted = chosen ?? ANY;
  if (select.value !== wanted) select.value = wanted;
}
