// Light, dark, or as the system is: a choice that this browser keeps.

import { forgetColours } from "./colours.js";

const KEY = "facegauge-theme";
const CHOICES = ["system", "light", "dark"];

/**
 * Lets a button go through the choices.
 * @param {HTMLButtonElement} button
 * @param {() => void} onChange what is drawn with the theme's colours must be drawn again
 */
export function showTheme(button, onChange) {
  const apply = (choice) => {
    button.textContent = `Theme: ${choice}`;
    if (choice === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    forgetColours();
    onChange();
  };
  const chosen = () => (CHOICES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : "system");
  button.addEventListener("click", () => {
    localStorage.setItem(KEY, CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length]);
    apply(chosen());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => apply(chosen()));
  apply(chosen());
}
