// A stream of coded video to Facegauge: units in, assessments out. To use it elsewhere, copy it and quality.proto.

import { EventEmitter } from 'node:events';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';

const PROTO = fileURLToPath(new URL('../../proto/facegauge/v1/quality.proto', import.meta.url));
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/;

// One message for the units of a tenth of a second: one message a unit costs the server several times as much.
const BATCH_INTERVAL_MS = 100;
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_BATCH_UNITS = 256; // FrameBatch.frames

// Absent fields stay absent: a quality that does not exist is undefined, never 0.
const { facegauge } = grpc.loadPackageDefinition(
  protoLoader.loadSync(PROTO, { enums: String, longs: Number, defaults: false }),
);

/** Make a client for a whole process: all streams share its connection. `tls` is `{}` or `{ ca: Buffer }`. */
export function connect(target, { tls, token } = {}) {
  if (token && !tls && !LOOPBACK.test(target)) {
    throw new Error(`the token would travel to ${target} in clear text: use TLS`);
  }
  const credentials = tls ? grpc.credentials.createSsl(tls.ca) : grpc.credentials.createInsecure();
  const client = new facegauge.v1.QualityService(target, credentials);
  return { client, token };
}

/**
 * One stream. Emits `assessment`, `summary` (the last), `dropping`, `keyframeNeeded` (ask the sender for a keyframe,
 * by a PLI) and `error`.
 */
export class QualityStream extends EventEmitter {
  #call;
  #batch = [];
  #batchBytes = 0;
  #timer;
  #sequence = 0;
  #isFull = false;
  #isOver = false;
  #hasGap = false;

  /** `config` is a StreamConfig in camel case: `{ streamId, callId, encoding, maxFps, ... }`. */
  constructor({ client, token }, config) {
    super();
    const metadata = new grpc.Metadata();
    if (token) {
      metadata.set('authorization', `Bearer ${token}`);
    }
    this.#call = client.monitorStream(metadata);
    this.#call.on('data', (response) => this.#receive(response));
    this.#call.on('drain', () => (this.#isFull = false));
    this.#call.on('error', (error) => this.#end(() => this.emit('error', error)));
    this.#call.on('end', () => this.#end());
    this.#call.write({ config });
  }

  /**
   * Send an access unit: `{ data, captureTimeS, keyframe?, temporalLayer?, discontinuity? }`. Never waits: while
   * the network or the server is too slow, units are dropped, and what follows says that something is missing.
   */
  send(unit) {
    if (this.#isOver) {
      return;
    }
    if (this.#isFull) {
      if (!this.#hasGap) {
        this.emit('dropping');
      }
      this.#hasGap = true;
      return;
    }
    const discontinuity = unit.discontinuity || this.#hasGap;
    this.#hasGap = false;
    this.#batch.push({ ...unit, discontinuity, sequence: this.#sequence++ });
    this.#batchBytes += unit.data.length;
    if (this.#batch.length >= MAX_BATCH_UNITS || this.#batchBytes >= MAX_BATCH_BYTES) {
      this.#flush();
    } else {
      this.#timer ??= setTimeout(() => this.#flush(), BATCH_INTERVAL_MS);
    }
  }

  /** Say that no unit follows; the summary comes after the last assessment. */
  finish() {
    if (!this.#isOver) {
      this.#flush();
      this.#call.end();
    }
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length > 0) {
      this.#isFull = !this.#call.write({ frames: { frames: this.#batch } });
      this.#batch = [];
      this.#batchBytes = 0;
    }
  }

  #receive({ assessment, notice, summary }) {
    if (assessment) {
      this.emit('assessment', assessment);
    } else if (summary) {
      this.emit('summary', summary);
    } else if (notice?.kind === 'KIND_KEYFRAME_NEEDED') {
      this.emit('keyframeNeeded', notice.text);
    }
  }

  #end(tell = () => {}) {
    this.#isOver = true;
    clearTimeout(this.#timer);
    tell();
  }
}
