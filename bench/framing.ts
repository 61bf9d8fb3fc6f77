// The frame reader alone, in chunks as they come from a socket: IMAP commands, and MUPDATE records with their strings as
// literals and quoted. Prints one JSON line per figure.

import { FrameReader } from "../lib/wire/frame-reader.ts";

const chunkOctets = 16 * 1024;
const durationMs = 1500;

const inputs: Readonly<Record<string, string>> = {
  "NOOP commands": "a0001 NOOP\r\n",
  "FETCH commands": "a0001 UID FETCH 1:100 (FLAGS UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT)])\r\n",
  "records, quoted": 'X1 MAILBOX "user.ann.folder" "be1.example.org!default" "ann\tlrswipkxtecdan\t"\r\n',
  "records, literals":
    "X1 MAILBOX {15+}\r\nuser.ann.folder {23+}\r\nbe1.example.org!default {19+}\r\nann\tlrswipkxtecdan\t\r\n",
};

/** Whole chunks in which frames lie across the borders. */
function chunksOf(frame: string): readonly Uint8Array[] {
  const text = frame.repeat(chunkOctets);
  const bytes = Buffer.from(text, "latin1");
  return Array.from({ length: frame.length }, (_, index) =>
    bytes.subarray(index * chunkOctets, (index + 1) * chunkOctets),
  );
}

function readAll(reader: FrameReader, chunk: Uint8Array): number {
  let frames = 0;
  reader.feed(chunk);
  for (let event = reader.next(); event; event = reader.next()) {
    if (event.kind === "literal") reader.buffer();
    else frames += 1;
  }
  reader.settle();
  return frames;
}

for (const [what, frame] of Object.entries(inputs)) {
  const chunks = chunksOf(frame);
  const reader = new FrameReader({ maxText: 65_536 });
  for (const chunk of chunks) readAll(reader, chunk);
  let frames = 0;
  const startMs = performance.now();
  while (performance.now() - startMs < durationMs) {
    for (const chunk of chunks) frames += readAll(reader, chunk);
  }
  const value = Math.round((frames * 1000) / (performance.now() - startMs));
  console.log(JSON.stringify({ bench: "framing", what, value, unit: "frames/s" }));
}
