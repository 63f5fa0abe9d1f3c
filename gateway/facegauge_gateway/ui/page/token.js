// The bearer token that the gateway may ask for: typed in once, kept for this tab alone.

const KEY = "facegauge-token";
let asking = null;

/** Returns the headers that show the token, if there is one. */
export function authorization() {
  const token = sessionStorage.getItem(KEY);
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * Asks for a token, once however many requests want one.
 * @param {string} why what the gateway said
 */
export function askForToken(why) {
  asking ??= ask(why).finally(() => (asking = null));
  return asking;
}

function ask(why) {
  const dialog = document.getElementById("token");
  const text = document.getElementById("token-text");
  document.getElementById("token-why").textContent = why;
  text.value = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(sessionStorage.setItem(KEY, text.value.trim())), { once: true });
  });
}
