// A track published to the gateway by WHIP (RFC 9725), and the answers that come back on a data channel.

import { request } from "./requests.js";
import { authorization } from "./token.js";

/** A track on its way; answers come to `onAnswer`, and `onEnd` is told why it ended. */
export class Publisher {
  /**
   * Offers a track to the gateway.
   * @param {MediaStreamTrack} track
   * @param {{streamId: string, callId: string, onAnswer: (answer: object) => void, onEnd: (why: string) => void}} options
   * @throws {Refused} with what the gateway says
   */
  static async publish(track, { streamId, callId, onAnswer, onEnd }) {
    const peer = new RTCPeerConnection();
    const sender = peer.addTransceiver(track, { direction: "sendonly" }).sender;
    const channel = peer.createDataChannel("facegauge");
    channel.onmessage = ({ data }) => onAnswer(JSON.parse(data));
    try {
      await peer.setLocalDescription(await peer.createOffer());
      await allCandidates(peer);
      const response = await request(`/whip/${encodeURIComponent(streamId)}?call_id=${encodeURIComponent(callId)}`, {
        method: "POST", headers: { "Content-Type": "application/sdp" }, body: peer.localDescription.sdp,
      });
      await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
      return new Publisher(peer, sender, channel, response.headers.get("Location"), onEnd);
    } catch (error) {
      peer.close();
      throw error;
    }
  }

  constructor(peer, sender, channel, location, onEnd) {
    Object.assign(this, { peer, sender, channel, location });
    peer.onconnectionstatechange = () => {
      if (["failed", "disconnected", "closed"].includes(peer.connectionState)) {
        onEnd("The connection to the gateway broke off. Start again.");
      }
    };
  }

  /**
   * Sends at most so many bits a second, with 1/`scale` of the lines.
   *
   * Where the bits do not suffice the browser gives up lines rather than frames, as in a call. Without a limit it
   * keeps them, though it does not know yet what the connection bears: nobody's first score is that of a thumbnail.
   * @param {number | null} bitsPerSecond null for no limit
   * @param {number} scale
   */
  async limit(bitsPerSecond, scale) {
    const parameters = this.sender.getParameters();
    if (!parameters.encodings.length) return;
    parameters.degradationPreference = bitsPerSecond === null ? "maintain-resolution" : "maintain-framerate";
    const [encoding] = parameters.encodings;
    encoding.scaleResolutionDownBy = Math.max(1, scale);
    if (bitsPerSecond === null) delete encoding.maxBitrate;
    else encoding.maxBitrate = bitsPerSecond;
    await this.sender.setParameters(parameters);
  }

  /** Returns what was sent so far: bytes, and the newest picture's size. */
  async sent() {
    for (const report of (await this.sender.getStats()).values()) {
      if (report.type === "outbound-rtp") {
        return { bytes: report.bytesSent, width: report.frameWidth, height: report.frameHeight, fps: report.framesPerSecond ?? 0 };
      }
    }
    return null;
  }

  /**
   * Ends the session at the gateway too, even as the page is being left.
   *
   * The gateway is told first: to it a connection that is closed is a session that has ended, which nobody can end.
   */
  close() {
    this.peer.onconnectionstatechange = null;
    this.channel.onmessage = null;
    fetch(this.location, { method: "DELETE", headers: authorization(), credentials: "omit", keepalive: true })
      .catch(() => {})
      .finally(() => this.peer.close());
  }
}

function allCandidates(peer) {
  if (peer.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && done());
  });
}
