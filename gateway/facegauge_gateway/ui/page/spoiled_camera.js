// The camera's picture, made worse before it is sent: blurred, noisy, dark or bright.

const SIZE = { width: 1280, height: 720 };
const FPS = 15;
const TILE_PX = 256;

/** What can go wrong with a camera, as a sentence that says who must do what. */
export function cameraProblem(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The browser did not let this page use the camera. Allow it beside the page's address, then start again.";
    case "NotFoundError":
      return "This machine has no camera that the browser knows of. Connect one, then start again.";
    case "NotReadableError":
      return "The camera cannot be read: close the other program that uses it, then start again.";
    default:
      return `The camera cannot be used: ${error.message}.`;
  }
}

/** A camera whose picture goes through a canvas; `stream` is what comes out. */
export class SpoiledCamera {
  /** Pixels of blur, levels of noise (0 to 1), share of the light (1: as it is). */
  spoil = { blur: 0, noise: 0, brightness: 1 };

  /** Opens the camera; rejects with what the browser says. */
  static async open() {
    if (!navigator.mediaDevices) {
      throw new Error("browsers give a camera to pages of this machine or over HTTPS alone: open it so");
    }
    const { width, height } = SIZE;
    const wanted = { video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } } };
    const camera = await navigator.mediaDevices.getUserMedia(wanted);
    const video = Object.assign(document.createElement("video"), { srcObject: camera, muted: true, playsInline: true });
    await video.play();
    return new SpoiledCamera(camera, video);
  }

  constructor(camera, video) {
    this.camera = camera;
    this.video = video;
    this.canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    this.pen = this.canvas.getContext("2d", { alpha: false });
    this.tile = noiseTile();
    this.timer = setInterval(() => this.#draw(), 1000 / FPS);
    this.#draw();
    this.stream = this.canvas.captureStream(FPS);
    this.track = this.stream.getVideoTracks()[0];
    this.track.contentHint = "motion"; // a canvas is taken for a screen otherwise, whose lines stay
    this.onEnded = () => {};
    camera.getVideoTracks()[0].addEventListener("ended", () => this.onEnded());
  }

  close() {
    clearInterval(this.timer);
    for (const track of [...this.camera.getTracks(), ...this.stream.getTracks()]) track.stop();
  }

  #draw() {
    const { canvas, pen, video, spoil } = this;
    if (video.videoWidth && (canvas.width !== video.videoWidth || canvas.height !== video.videoHeight)) {
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    }
    const filters = [spoil.blur && `blur(${spoil.blur}px)`, spoil.brightness !== 1 && `brightness(${spoil.brightness})`];
    pen.filter = filters.filter(Boolean).join(" ") || "none";
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    pen.filter = "none";
    if (spoil.noise) this.#addNoise();
  }

  #addNoise() {
    const { canvas, pen, tile, spoil } = this;
    pen.globalAlpha = spoil.noise;
    pen.globalCompositeOperation = "hard-light";
    const [left, top] = [-Math.floor(Math.random() * TILE_PX), -Math.floor(Math.random() * TILE_PX)];
    for (let y = top; y < canvas.height; y += TILE_PX) {
      for (let x = left; x < canvas.width; x += TILE_PX) pen.drawImage(tile, x, y);
    }
    pen.globalAlpha = 1;
    pen.globalCompositeOperation = "source-over";
  }
}

function noiseTile() {
  const tile = Object.assign(document.createElement("canvas"), { width: TILE_PX, height: TILE_PX });
  const pen = tile.getContext("2d");
  const pixels = pen.createImageData(TILE_PX, TILE_PX);
  for (let index = 0; index < pixels.data.length; index += 1) {
    pixels.data[index] = index % 4 === 3 ? 255 : Math.floor(Math.random() * 256);
  }
  pen.putImageData(pixels, 0, 0);
  return tile;
}
