// Reads IVF, the plainest container of coded video: it stands here for the access units that your media server has.
// `ffmpeg -i call.mp4 -an -c:v libvpx -deadline realtime -b:v 800k call.ivf` makes one.

import { readFile } from 'node:fs/promises';

const ENCODINGS = { VP80: 'VP8', VP90: 'VP9', AV01: 'AV1', H264: 'H264' };
const HEADER_BYTES = 32;
const UNIT_HEADER_BYTES = 12;

/** Read a file: its encoding, as FrameEncoding calls it, and its access units. Throws an Error that says what is wrong. */
export async function readIvf(path) {
  const bytes = await readFile(path);
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 4) !== 'DKIF') {
    throw new Error(`${path} is no IVF file: make one with ffmpeg -i VIDEO -an -c:v libvpx call.ivf`);
  }
  const fourcc = bytes.toString('latin1', 8, 12);
  const encoding = ENCODINGS[fourcc];
  if (encoding === undefined) {
    throw new Error(`${path} holds ${fourcc}: only ${Object.keys(ENCODINGS).join(', ')} can be scored`);
  }
  const secondsPerTick = bytes.readUInt32LE(20) / bytes.readUInt32LE(16);
  const units = [];
  for (let start = bytes.readUInt16LE(6); start + UNIT_HEADER_BYTES <= bytes.length; ) {
    const end = start + UNIT_HEADER_BYTES + bytes.readUInt32LE(start);
    if (end > bytes.length) {
      throw new Error(`${path} ends within a unit: it is not whole`);
    }
    units.push({
      data: bytes.subarray(start + UNIT_HEADER_BYTES, end),
      captureTimeS: Number(bytes.readBigUInt64LE(start + 4)) * secondsPerTick,
    });
    start = end;
  }
  return { encoding: `FRAME_ENCODING_${encoding}`, units };
}
