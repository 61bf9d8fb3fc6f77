// The load generator: a process of its own on raw sockets, bounded in time and count. Prints one JSON line with what it
// measured.
//
//   bun bench/load/main.ts login    --at host:port --user U --password P [--connections N] [--select MAILBOX] [--plain]
//   bun bench/load/main.ts command  --at … --user … --password … --command "UID FETCH 1 BODY.PEEK[]" [--select MAILBOX]
//   bun bench/load/main.ts lmtp     --at … --user U --password P --rcpt a,b [--octets 2048]
//   bun bench/load/main.ts reserve  --at … --user … --password … --prefix user.x
//   bun bench/load/main.ts mupdate  --at … --user … --password … --command "FIND {…}"
//   bun bench/load/main.ts visible  --at … --user … --password … --frontend host:port --admin A --prefix user.x --count N
//   bun bench/load/main.ts resume   --at … --user … --password … --prefix user.x --count N
//   bun bench/load/main.ts beside   --at … --user … --password … --command "LIST {…}"
//   bun bench/load/main.ts idle     --at … --user … --password … --connections N [--select MAILBOX]
//
// Common: --connections N, --pipeline N (commands on their way on each), --seconds S, --warmup S, --count N (instead of time),
// --deadline S (it ends by then).

import { parseArgs } from "node:util";
import { measureBeside } from "./beside.ts";
import { measureRate, type Rate } from "./rate.ts";
import { measureResume, resumeKeywords } from "./resume.ts";
import { measureVisible } from "./visible.ts";
import { armDeadline, isGood, logInImap, plainResponse, Wire } from "./wire.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    at: { type: "string", default: "" },
    user: { type: "string", default: "" },
    password: { type: "string", default: "" },
    connections: { type: "string", default: "1" },
    pipeline: { type: "string", default: "1" },
    seconds: { type: "string", default: "1.5" },
    warmup: { type: "string", default: "0.5" },
    count: { type: "string", default: "Infinity" },
    select: { type: "string" },
    plain: { type: "boolean", default: false },
    command: { type: "string", default: "NOOP" },
    rcpt: { type: "string", default: "" },
    octets: { type: "string", default: "2048" },
    frontend: { type: "string", default: "" },
    admin: { type: "string", default: "" },
    deadline: { type: "string", default: "60" },
    prefix: { type: "string", default: "user.load" },
  },
});

const { at, user, password, select } = flags;
const connections = Number(flags.connections);
let opened = 0;
const pipeline = Number(flags.pipeline);
const options = {
  workers: connections * pipeline,
  warmUpMs: Number(flags.warmup) * 1000,
  runMs: Number(flags.seconds) * 1000,
  most: Number(flags.count),
};

type Measured = Rate & { readonly octetsPerSecond?: number; readonly lines?: number };

const kinds: Readonly<Record<string, () => Promise<Measured>>> = {
  login,
  command: imapCommand,
  lmtp,
  reserve,
  mupdate: mupdateCommand,
  visible,
  beside: () => measureBeside(openImap, flags.command, options),
  resume: () => measureResume(openMupdate, flags.prefix, options.most),
  idle,
};

/** Connect, log in, perhaps select, log out. */
function login(): Promise<Measured> {
  const authentication = flags.plain
    ? `a AUTHENTICATE PLAIN ${plainResponse(user, password)}`
    : `a LOGIN ${user} ${password}`;
  return measureRate(options, async () => {
    const wire = await Wire.connect(at, "imap");
    await wire.next();
    await wire.run(authentication);
    if (select) await wire.run(`b SELECT ${select}`);
    await wire.run("c LOGOUT");
    wire.close();
  });
}

/** At several addresses ("host:port,host:port") in turn. */
async function openImap(): Promise<Wire> {
  const addresses = at.split(",");
  const wire = await logInImap(addresses[opened++ % addresses.length]!, user, password);
  if (select) await wire.run(`s SELECT ${select}`);
  return wire;
}

/** Any command, again and again; with a pipeline every connection has so many on their way. */
async function imapCommand(): Promise<Measured> {
  const wires = await openAll(openImap);
  return measureCommands(wires, (worker) => `w${worker} ${flags.command}`);
}

async function mupdateCommand(): Promise<Measured> {
  const wires = await openAll(openMupdate);
  return measureCommands(wires, (worker) => `w${worker} ${flags.command}`);
}

async function measureCommands(wires: readonly Wire[], textOf: (worker: number) => string): Promise<Measured> {
  const before = sum(wires, (wire) => wire.received);
  const linesBefore = sum(wires, (wire) => wire.lines);
  const startMs = performance.now();
  const rate = await measureRate(
    options,
    async (worker) => void (await wires[worker % connections]!.run(textOf(worker))),
  );
  const seconds = (performance.now() - startMs) / 1000;
  for (const wire of wires) wire.close();
  return {
    ...rate,
    octetsPerSecond: Math.round((sum(wires, (wire) => wire.received) - before) / seconds),
    lines: sum(wires, (wire) => wire.lines) - linesBefore,
  };
}

/** Deliveries to the recipients in turn, one recipient each; MAIL, RCPT and DATA in one packet (RFC 2920). */
async function lmtp(): Promise<Measured> {
  const recipients = flags.rcpt.split(",");
  const head = "From: <load@example.org>\r\nSubject: Load\r\nMessage-ID: <";
  const line = `${"x".repeat(70)}\r\n`;
  const body = line.repeat(Math.ceil((Number(flags.octets) - head.length - 60) / line.length));
  const wires = await openAll(openLmtp);
  let sent = 0;
  const rate = await measureRate({ ...options, workers: connections }, async (worker) => {
    const wire = wires[worker]!;
    const recipient = recipients[sent % recipients.length];
    sent += 1;
    wire.send(`MAIL FROM:<load@example.org>\r\nRCPT TO:<${recipient}>\r\nDATA\r\n`);
    for (let replies = 0; replies < 3; replies += 1) await requireGood(wire);
    wire.send(`${head}${process.pid}.${sent}@example.org>\r\n\r\n${body}.\r\n`);
    await requireGood(wire);
  });
  for (const wire of wires) wire.close();
  return rate;
}

async function openLmtp(): Promise<Wire> {
  const wire = await Wire.connect(at, "lmtp");
  await requireGood(wire);
  await wire.run("LHLO load.example.org");
  if (password) await wire.run(`AUTH PLAIN ${plainResponse(user, password)}`);
  return wire;
}

/** RESERVE and ACTIVATE of new names, of a server that is not there to look after them; a pair counts as one. */
async function reserve(): Promise<Measured> {
  const wires = await openAll(openMupdate);
  let next = 0;
  const rate = await measureRate(options, async (worker) => {
    const wire = wires[worker % connections]!;
    const name = `${flags.prefix}${next++}`;
    await wire.run(`w${worker} RESERVE "${name}" "be9.bench!default"`);
    await wire.run(`w${worker} ACTIVATE "${name}" "be9.bench!default" "ann\tlrswipkxtecdan\t"`);
  });
  for (const wire of wires) wire.close();
  return rate;
}

async function visible(): Promise<Measured> {
  const { frontend, admin, prefix } = flags;
  return measureVisible(await openMupdate(), {
    frontend,
    admin,
    password,
    prefix,
    count: options.most,
    mostMs: 20_000,
  });
}

async function openMupdate(): Promise<Wire> {
  const wire = await Wire.connect(at, "mupdate");
  if (positionals[0] === "resume") wire.keywords = resumeKeywords;
  await wire.next();
  await wire.run(`a AUTHENTICATE "PLAIN" "${plainResponse(user, password)}"`);
  return wire;
}

/** Opens the connections, says so on stdout, and holds them until stdin ends. */
async function idle(): Promise<Measured> {
  const open: Wire[] = [];
  const rate = await measureRate(
    { ...options, workers: 8, most: connections },
    async () => void open.push(await openImap()),
  );
  console.log(JSON.stringify({ open: open.length }));
  for await (const _ of Bun.stdin.stream()) {
    // nothing is expected but the end
  }
  for (const wire of open) wire.close();
  return rate;
}

async function openAll(open: () => Promise<Wire>): Promise<Wire[]> {
  const wires: Wire[] = [];
  while (wires.length < connections) wires.push(await open());
  return wires;
}

async function requireGood(wire: Wire): Promise<void> {
  const line = await wire.next();
  if (!isGood(line)) throw new Error(`answered "${line}"`);
}

function sum(wires: readonly Wire[], of: (wire: Wire) => number): number {
  return wires.reduce((total, wire) => total + of(wire), 0);
}

const kind = kinds[positionals[0] ?? ""];
if (!kind) throw new Error(`What to do: ${Object.keys(kinds).join(", ")}`);
armDeadline(Number(flags.deadline) * 1000);
console.log(JSON.stringify(await kind()));
process.exit(0);
