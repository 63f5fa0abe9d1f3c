// The page's elements. Text goes in as text alone, never as markup: names come from anybody.

/**
 * Makes an element.
 * @param {string} tag its name, with classes after dots: "p.note"
 * @param {Record<string, unknown>} [properties] of the element; `data-*`, `aria-*` and `role` become attributes
 * @param {(Node | string)[]} children
 */
export function make(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for" || key === "list") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Sets an element's text where it differs: the layout is not touched for what stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets an element's class where it differs. */
export function setClass(element, name) {
  if (element.className !== name) element.className = name;
}
