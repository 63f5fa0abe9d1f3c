// Files dropped anywhere on the page.

/**
 * Shows where files may be dropped while some are over the page, and hands on what is dropped.
 * @param {HTMLElement} curtain what is shown meanwhile
 * @param {(files: File[]) => void} onFiles
 */
export function watchForDrops(curtain, onFiles) {
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (hasFiles(event)) curtain.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) curtain.hidden = true;
  });
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    curtain.hidden = true;
    if (!hasFiles(event)) return;
    event.preventDefault();
    onFiles([...event.dataTransfer.files]);
  });
}
