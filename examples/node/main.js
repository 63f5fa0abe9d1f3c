// Plays a file as a call would: units at their times, assessments as lines of JSON.
//
//   node main.js --server 127.0.0.1:50051 --stream-id alice --call-id standup call.ivf
//
// A token for the server is read from FACEGAUGE_TOKEN, and travels over TLS or to this machine alone.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { readIvf } from './ivf.js';
import { connect, QualityStream } from './quality-stream.js';

const USAGE =
  'usage: node main.js [--server HOST:PORT] [--tls | --tls-ca FILE] [--stream-id ID] [--call-id ID] [--max-fps N] FILE.ivf';

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { type: 'string', default: '127.0.0.1:50051' },
      'stream-id': { type: 'string', default: 'node-example' },
      'call-id': { type: 'string', default: '' },
      'max-fps': { type: 'string', default: '2' },
      tls: { type: 'boolean', default: false },
      'tls-ca': { type: 'string' },
    },
  });
  if (positionals.length !== 1) {
    throw new Error(USAGE);
  }
  const { encoding, units } = await readIvf(positionals[0]);
  const ca = values['tls-ca'] && (await readFile(values['tls-ca']));
  const connection = connect(values.server, {
    tls: values.tls || ca ? { ca } : undefined,
    token: process.env.FACEGAUGE_TOKEN,
  });
  const stream = new QualityStream(connection, {
    streamId: values['stream-id'],
    callId: values['call-id'],
    encoding,
    maxFps: Number(values['max-fps']),
  });
  const ended = new Promise((resolve, reject) => {
    stream.on('summary', (summary) => {
      print('summary', summary);
      resolve();
    });
    stream.on('error', reject);
  });
  ended.catch(() => {}); // It is awaited below, when all is sent.
  stream.on('assessment', (assessment) => print('assessment', assessment));
  stream.on('dropping', () => print('dropping', {}));
  // A back end asks its media server here: mediasoup's consumer.requestKeyFrame(), a PLI anywhere else.
  stream.on('keyframeNeeded', (text) => print('keyframe_needed', { text }));

  const startMs = performance.now() - 1000 * (units[0]?.captureTimeS ?? 0);
  for (const unit of units) {
    await sleep(Math.max(0, startMs + 1000 * unit.captureTimeS - performance.now()));
    stream.send(unit);
  }
  stream.finish();
  try {
    await ended;
  } finally {
    connection.client.close();
  }
}

function print(event, fields) {
  console.log(JSON.stringify({ event, ...fields }));
}

main().catch((error) => {
  console.error(error.details || error.message); // gRPC's details say who must do what
  process.exitCode = 1;
});
