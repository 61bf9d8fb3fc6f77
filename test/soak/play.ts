// A soak: clients and mail go on while nodes are killed, frozen and restarted. Now and then all come to rest, and everything
// that the servers show is held against the model; at the end also what the processes hold.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, type Counts } from "../consistency/client.ts";
import { Journal } from "../consistency/journal.ts";
import { MailClient } from "../consistency/mail-client.ts";
import { comparePictures } from "../consistency/picture.ts";
import { mailShare, newCounts, prepare, shareOut } from "../consistency/play.ts";
import { users, type World } from "../consistency/world.ts";
import { runToEnd } from "../support/command-line.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { eventually, type Murder, startMurder } from "../support/murder.ts";
import { Random } from "../support/random.ts";
import { Killer } from "./killer.ts";
import { nodes, Resources, type Trend } from "./resources.ts";

export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Between two rests. */
  readonly roundSeconds: number;
  readonly clients: number;
  readonly log?: string | undefined;
  readonly tell: (line: string) => void;
}

export interface SoakResult extends Counts {
  readonly seed: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly delivered: number;
  readonly faults: number;
  readonly movedTwice: number;
  readonly violations: readonly string[];
  readonly trends: readonly Trend[];
  readonly faultsByKind: Readonly<Record<string, number>>;
}

/** Longer than any freeze and every limit of the servers' together. */
const waitMs = 60_000;
const sampleMs = 10_000;
const thinkMs = 30;
/** More than that is growth. Only asked of runs that are long enough to tell. */
const bounds = { minutes: 5, residentKbPerMinute: 1_500, descriptorsPerMinute: 4, descriptorsAbove: 8 };
/** Stores keep 256 mailboxes open, with four descriptors each, and grow until they have them: 1,054 and 155 MB were measured. */
const keptOpen = 4 * 256;
const storeResidentKb = 300_000;
const withStore = /^backend\d (imapd|lmtpd|pop3d)$/;

export async function soak(options: SoakOptions): Promise<SoakResult> {
  await using murder = await startMurder();
  return await new Soak(murder, await prepare(murder, false), options).run();
}

class Soak {
  readonly #murder: Murder;
  readonly #world: World;
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #killer: Killer;
  readonly #resources: Resources;
  readonly #counts = newCounts();
  readonly #violations: string[] = [];
  readonly #clients: readonly Client[];
  readonly #mail: MailClient;
  #rounds = 0;
  #sparedMs = Number.POSITIVE_INFINITY;

  constructor(murder: Murder, world: World, options: SoakOptions) {
    this.#murder = murder;
    this.#world = world;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#journal = new Journal(options.log);
    this.#killer = new Killer(murder, this.#random.fork("killer"), this.#journal);
    this.#resources = new Resources(murder);
    const frontends = murder.frontends.map(({ imap }) => imap);
    const shared = {
      ...{ world, journal: this.#journal, excuses: this.#killer, counts: this.#counts },
      report: (text: string) => this.#report(text),
    };
    this.#clients = Array.from({ length: options.clients }, (_, at) => {
      const [name, user] = [`a${at}`, users[at % users.length]!];
      const own = { name, user, password: murder.passwordOf(user), random: this.#random.fork(name) };
      return new Client({ ...shared, ...own, frontends, waitMs });
    });
    this.#mail = new MailClient({ ...shared, name: "mail", murder, random: this.#random.fork("mail") });
  }

  async run(): Promise<SoakResult> {
    const startedMs = performance.now();
    const lengthMs = this.#options.minutes * 60_000;
    const thirdMs = startedMs + lengthMs / 3;
    const sampling = setInterval(() => this.#resources.sample(), sampleMs);
    try {
      while (performance.now() < startedMs + lengthMs) {
        // From then on some processes live, to see what they hold in the end.
        if (performance.now() >= thirdMs && this.#killer.spared.size === 0) {
          for (const node of ["backend2", "frontend2"] as const) this.#killer.spared.add(node);
          this.#sparedMs = performance.now();
        }
        await this.#round();
      }
    } finally {
      clearInterval(sampling);
    }
    for (const client of this.#clients) client.close();
    this.#mail.close();
    await this.#checkLists();
    const trends = this.#resources.trends(this.#sparedMs);
    for (const trend of trends) this.#judge(trend);
    if (this.#options.minutes >= bounds.minutes) await this.#checkRest();
    this.#journal.flush();
    const faults = Object.values(this.#killer.counts).reduce((sum, count) => sum + count, 0);
    return {
      ...{ seed: this.#options.seed, minutes: (performance.now() - startedMs) / 60_000, rounds: this.#rounds },
      ...this.#counts,
      ...{ delivered: this.#mail.delivered, faults, movedTwice: this.#world.movedTwice, trends },
      ...{ faultsByKind: this.#killer.counts, violations: this.#violations },
    };
  }

  async #round(): Promise<void> {
    this.#rounds += 1;
    const shares = shareOut(this.#world, this.#clients, this.#random);
    const forMail = mailShare(this.#world, this.#random);
    for (const [client, mailboxes] of shares) await client.take(mailboxes.filter((each) => !forMail.has(each)));
    this.#mail.take([...forMail]);
    const untilMs = performance.now() + this.#options.roundSeconds * 1_000;
    const playOn = async (player: { play(): Promise<void> }) => {
      while (performance.now() < untilMs) {
        await player.play();
        await Bun.sleep(thinkMs);
      }
    };
    await Promise.all([this.#killer.rage(untilMs, 2), ...[...this.#clients, this.#mail].map(playOn)]);
    await this.#rest();
    const { commands, ok, unavailable, lost, slowestMs } = this.#counts;
    const numbers = `${commands} commands, ${ok} OK, ${unavailable} unavailable, ${lost} lost, slowest ${(slowestMs / 1000).toFixed(1)} s`;
    this.#options.tell(
      `round ${this.#rounds}: ${numbers}, ${this.#world.mailboxes.length} mailboxes, ${this.#violations.length} violations`,
    );
  }

  /** All nodes are up; waits until all can be reached from everywhere, and looks at everything. */
  async #rest(): Promise<void> {
    const startedMs = performance.now();
    await this.#murder.caughtUp();
    await Promise.all(this.#murder.frontends.flatMap(({ imap }) => users.map((user) => this.#reached(imap, user))));
    // What was sent before a freeze is carried out by now.
    await Bun.sleep(500);
    await this.#murder.caughtUp();
    for (const each of await comparePictures(this.#world, this.#murder, true)) this.#report(each);
    this.#journal.write("killer", `a rest of ${Math.round(performance.now() - startedMs)} ms`);
  }

  async #reached(address: string, user: string): Promise<void> {
    await eventually(`${user} reaches all at ${address}`, async () => {
      try {
        using imap = await ImapWire.login(this.#murder, address, user);
        for (const other of users) {
          const name = other === user ? "INBOX" : `"Other Users/${other}"`;
          if ((await imap.command(`STATUS ${name} (MESSAGES)`)).status !== "OK") return false;
        }
        return true;
      } catch {
        return false; // the frontend has only just come back
      }
    });
  }

  /** What administrators' tools say. */
  async #checkLists(): Promise<void> {
    const password = join(this.#murder.folder, "admin-password");
    writeFileSync(password, `${this.#murder.passwordOf(this.#murder.admin)}\n`, { mode: 0o600 });
    const words = ["check", "-C", join(this.#murder.folder, "frontend1", "imapd.conf"), "--grace", "2"];
    const check = await runToEnd("ctl_mupdate", [...words, "--admin", this.#murder.admin, "--password-file", password]);
    if (check.code !== 0) this.#report(`ctl_mupdate check: ${check.code} ${check.stdout} ${check.stderr}`);
    for (const node of ["backend1", "backend2"] as const) {
      const argv = ["-C", join(this.#murder.folder, node, "imapd.conf"), "-v"];
      const verify = await runToEnd("ctl_mboxlist", argv);
      if (verify.code !== 0 || verify.stdout !== "")
        this.#report(`ctl_mboxlist -v of ${node}: ${verify.code} ${verify.stdout}`);
    }
  }

  /** Without clients, every process has the descriptors of one that has just been started. */
  async #checkRest(): Promise<void> {
    this.#resources.sample();
    await Bun.sleep(2_000);
    this.#resources.sample();
    const before = this.#resources.latest();
    for (const node of nodes) await this.#murder.stopNode(node);
    for (const node of nodes) await this.#murder.startNode(node);
    await this.#rest();
    this.#resources.sample();
    const fresh = this.#resources.latest();
    for (const [what, { descriptors }] of before) {
      const usual = fresh.get(what)?.descriptors;
      const above = bounds.descriptorsAbove + (withStore.test(what) ? keptOpen : 0);
      if (usual !== undefined && descriptors > usual + above) {
        this.#report(`${what} has ${descriptors} descriptors at rest, ${usual} after a start`);
      }
    }
  }

  #judge({ what, minutes, residentKb, residentKbPerMinute, descriptorsPerMinute }: Trend): void {
    if (minutes < bounds.minutes) return;
    if (withStore.test(what)) {
      if (residentKb[1] > storeResidentKb) this.#report(`${what} has ${residentKb[1]} KB`);
      return;
    }
    if (residentKbPerMinute > bounds.residentKbPerMinute)
      this.#report(`${what} grows by ${residentKbPerMinute} KB a minute`);
    if (descriptorsPerMinute > bounds.descriptorsPerMinute)
      this.#report(`${what} opens ${descriptorsPerMinute} descriptors a minute`);
  }

  #report(text: string): void {
    const violation = `seed ${this.#options.seed}, round ${this.#rounds}: ${text}`;
    this.#violations.push(violation);
    this.#journal.write("killer", `VIOLATION ${text.split("\n", 3).join(" ")}`);
    this.#options.tell(violation);
  }
}
