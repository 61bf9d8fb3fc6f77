// The beginning of a MUPDATE connection, client side: greeting, STARTTLS where it can be had, AUTHENTICATE, and COMPRESS
// where it is wanted. The result is a MupdateClient ready for commands. The whole of it has one deadline.

import type { Clock } from "../base/clock.ts";
import { describeFault, No } from "../base/fault.ts";
import type { Log } from "../base/log.ts";
import type { ClientTls, CloseReason, Connection, Receiver } from "../net/connection.ts";
import type { ClientMechanism, Credentials } from "../sasl/mechanism.ts";
import { FrameReader } from "../wire/frame-reader.ts";
import { formatNonSyncLiteral, formatQuoted } from "../wire/writer.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { MupdateClient } from "./client.ts";
import { compressionAlgorithm } from "./dialect.ts";
import { type Banner, BannerParser } from "./parse/banner.ts";

export interface LoginOptions {
  /** Picks the mechanism; `isSecure` says that a password in the clear is no risk. */
  readonly choose: (offered: readonly string[], isSecure: boolean) => ClientMechanism | undefined;
  readonly credentials: Omit<Credentials, "exporter">;
  /** Undefined: TLS is not used even if offered. */
  readonly tls: ClientTls | undefined;
  /** Refuse to go on without TLS. */
  readonly requiresTls: boolean;
  /** Compress the connection when the server can (`proxy_compress`). */
  readonly compresses: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** For the whole login, and then for each command. */
  readonly deadlineMs: number;
  readonly lost?: (reason: string) => void;
}

/** Logs in over a fresh connection. Rejects with No("UNAVAILABLE") and closes the connection when it cannot. */
export async function logIn(connection: Connection, options: LoginOptions): Promise<MupdateClient> {
  const lines = new LineReader(connection);
  const timer = options.clock.after(options.deadlineMs, () => {
    lines.fail("did not answer in time");
    connection.destroy();
  });
  try {
    const banner = await secure(connection, lines, await readBanner(lines), options);
    await authenticate(connection, lines, banner, options);
    if (options.compresses) await compress(connection, lines, banner);
    if (!connection.isOpen) throw new No("UNAVAILABLE", "closed the connection");
    const { clock, log, deadlineMs, lost } = options;
    return new MupdateClient(connection, { banner, clock, log, deadlineMs, ...(lost && { lost }) });
  } catch (fault) {
    connection.destroy();
    throw new No("UNAVAILABLE", `Cannot log in to the MUPDATE server: ${describeFault(fault)}`, { cause: fault });
  } finally {
    timer.cancel();
  }
}

async function readBanner(lines: LineReader): Promise<Banner> {
  const parser = new BannerParser();
  for (;;) {
    const banner = parser.take(await lines.next());
    if (banner) return banner;
  }
}

async function secure(
  connection: Connection,
  lines: LineReader,
  banner: Banner,
  options: LoginOptions,
): Promise<Banner> {
  if (connection.tls) return banner;
  if (!options.tls || !banner.capabilities.has("STARTTLS")) {
    if (options.requiresTls) throw new No("PRIVACYREQUIRED", "it does not offer STARTTLS");
    return banner;
  }
  connection.write("S01 STARTTLS\r\n");
  const answer = await lines.next();
  if (!/^S01 OK\b/i.test(answer)) throw new No(undefined, `it refuses STARTTLS: ${answer}`);
  lines.takeRest();
  await connection.startTlsClient(options.tls);
  // What was announced in the clear counts no longer (RFC 3656 §4.12).
  return readBanner(lines);
}

async function authenticate(
  connection: Connection,
  lines: LineReader,
  banner: Banner,
  options: LoginOptions,
): Promise<void> {
  const isSecure = connection.tls !== undefined || connection.remote.port === 0;
  const mechanism = options.choose(banner.mechanisms, isSecure);
  if (!mechanism) throw new No("CANNOT", `it offers no mechanism that we can use (${banner.mechanisms.join(" ")})`);
  const exchange = mechanism.start({ ...options.credentials, exporter: connection.tls?.exporter });
  const first = exchange.next();
  const initial = first.done ? undefined : first.value;
  const argument = initial === undefined ? "" : ` ${formatNonSyncLiteral(encodeBase64(initial) || "=")}`;
  connection.write(`A01 AUTHENTICATE ${formatQuoted(mechanism.name)}${argument}\r\n`);
  for (;;) {
    const line = await lines.next();
    if (/^A01 OK\b/i.test(line)) return;
    if (/^A01 (?:NO|BAD)\b/i.test(line)) throw new No("AUTHENTICATIONFAILED", `it refuses us: ${line.slice(4)}`);
    if (/^\* BYE\b/i.test(line)) throw new No("UNAVAILABLE", line.slice(2));
    const step = exchange.next(decodeBase64(line));
    connection.write(`${step.done ? "" : encodeBase64(step.value ?? new Uint8Array())}\r\n`);
  }
}

/** A server that offers it and then refuses is served as it is. */
async function compress(connection: Connection, lines: LineReader, banner: Banner): Promise<void> {
  if (!banner.capabilities.has("COMPRESS")) return;
  connection.write(`Z01 COMPRESS "${compressionAlgorithm}"\r\n`);
  const answer = await lines.next();
  if (/^\* BYE\b/i.test(answer)) throw new No("UNAVAILABLE", answer.slice(2));
  if (/^Z01 OK\b/i.test(answer)) connection.startCompression(lines.takeRest());
}

/** Lines while no frames are needed: the greeting and the SASL exchange. */
class LineReader implements Receiver {
  readonly #reader = new FrameReader({ maxText: 64 * 1024 });
  #waiter: PromiseWithResolvers<string> | undefined;
  #failure: string | undefined;

  constructor(connection: Connection) {
    connection.attach(this);
  }

  next(): Promise<string> {
    const waiter = Promise.withResolvers<string>();
    this.#waiter = waiter;
    this.#offer();
    return waiter.promise;
  }

  /** What was received and not read, which is then forgotten. */
  takeRest(): Uint8Array {
    return this.#reader.takeRest();
  }

  fail(reason: string): void {
    this.#failure ??= reason;
    this.#offer();
  }

  receive(bytes: Uint8Array): void {
    this.#reader.feed(bytes);
    this.#offer();
    this.#reader.settle();
    if (this.#reader.buffered > 1024 * 1024) this.fail("sends no lines");
  }

  closed(reason: CloseReason): void {
    this.fail(reason.kind === "error" ? describeFault(reason.error) : "closed the connection");
  }

  #offer(): void {
    const waiter = this.#waiter;
    if (!waiter) return;
    const line = this.#reader.nextLine();
    if (line !== undefined) {
      this.#waiter = undefined;
      waiter.resolve(line);
    } else if (this.#failure !== undefined) {
      this.#waiter = undefined;
      waiter.reject(new No("UNAVAILABLE", this.#failure));
    }
  }
}
