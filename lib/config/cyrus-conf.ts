// Reads cyrus.conf: what master starts. Sections START, SERVICES, EVENTS and DAEMON hold entries of the form
// `name key=value key="value with blanks"`; all problems are collected, each with its line.

import { readFileSync } from "node:fs";
import { Cron } from "croner";
import { describeRefusal } from "../base/fault.ts";
import { ConfigError, describeProblem } from "./config-error.ts";
import { type Entry, type EntrySpec, readEntries, type SectionName } from "./cyrus-conf-entry.ts";
import { parseSwitch } from "./value.ts";

export interface StartEntry {
  readonly name: string;
  readonly command: string;
}

export interface ServiceEntry {
  readonly name: string;
  readonly command: string;
  readonly listen: string;
  readonly protocol: "tcp" | "tcp4" | "tcp6";
  /** Workers kept from the start; 0 starts the first one when somebody connects. */
  readonly prefork: number;
  /** Most simultaneous connections; -1 for no limit. */
  readonly maxchild: number;
  /** Limit of open files; 0 leaves the system's. */
  readonly maxfds: number;
  /** Starts per second; 0 for no limit. */
  readonly maxforkrate: number;
  readonly babysit: boolean;
  /** Ours: number of workers, whatever prefork says; undefined when not given. */
  readonly processes: number | "auto" | undefined;
}

export interface EventEntry {
  readonly name: string;
  readonly command: string;
  readonly when:
    | { readonly kind: "start" }
    | { readonly kind: "period"; readonly minutes: number }
    | { readonly kind: "at"; readonly hour: number; readonly minute: number }
    | { readonly kind: "cron"; readonly expression: string };
}

export interface DaemonEntry {
  readonly name: string;
  readonly command: string;
  readonly maxfds: number;
  readonly maxforkrate: number;
  /** Master goes on only when the daemon has written "ok" to its status descriptor. */
  readonly wait: boolean;
}

export interface CyrusConf {
  readonly start: readonly StartEntry[];
  readonly services: readonly ServiceEntry[];
  readonly events: readonly EventEntry[];
  readonly daemon: readonly DaemonEntry[];
  readonly warnings: readonly string[];
}

export const defaultCyrusConfPath = "/etc/cyrus.conf";

/** The keys of each section: what `iatlas config` and cyrus.conf(5) show. */
export const cyrusConfKeys: Readonly<Record<SectionName, EntrySpec>> = {
  start: {
    cmd: "Command that is run, in order, before any service. If it fails, master ends; one that ends with 75 is tried again while the services run.",
  },
  services: {
    cmd: "Program and arguments, split at blanks.",
    listen: "Where to listen: port, host:port, [v6]:port, a service name, or the /path of a unix socket.",
    proto: "tcp, tcp4 or tcp6.",
    prefork: "Workers from the start; with 0 the first one starts when somebody connects.",
    maxchild: "Most simultaneous connections; -1 for no limit.",
    maxfds: "Most open files of a worker; 0 leaves the system's limit.",
    maxforkrate: "Most starts of workers per second; 0 for no limit.",
    babysit: "Keep at least one worker.",
    processes: "Number of workers, or auto for one per processor. Not in Cyrus.",
  },
  events: {
    cmd: "Command to run.",
    period: "Minutes between two runs. Without period, at and cron it is run once at start.",
    at: "Time of day, hhmm, at which it is run daily.",
    cron: 'Times as "minute hour day month weekday".',
  },
  daemon: {
    cmd: "Command that is kept running.",
    maxfds: "Most open files; 0 leaves the system's limit.",
    maxforkrate: "Most starts per second; 0 for no limit.",
    wait: "Go on only when it has written ok to descriptor 3.",
  },
};

/** Throws ConfigError. */
export function loadCyrusConf(path: string): CyrusConf {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([`Cannot read ${path}: ${describeRefusal(error)}`]);
  }
  return parseCyrusConf(text, path);
}

export function parseCyrusConf(text: string, file: string): CyrusConf {
  const { entries, problems, warnings } = readEntries(text, file, cyrusConfKeys);
  const fields = (entry: Entry) => new Fields(entry, file, problems);
  const ofSection = (section: SectionName) => entries.filter((entry) => entry.section === section);
  const services = ofSection("services");
  reportDuplicates(services, file, problems);
  const result = {
    start: ofSection("start").map((entry) => ({ name: entry.name, command: fields(entry).required("cmd") })),
    services: services.map((entry) => readService(entry.name, fields(entry))),
    events: ofSection("events").map((entry) => readEvent(entry.name, fields(entry))),
    daemon: ofSection("daemon").map((entry) => readDaemon(entry.name, fields(entry))),
    warnings,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return result;
}

function readService(name: string, fields: Fields): ServiceEntry {
  const listen = fields.required("listen");
  return {
    name,
    command: fields.required("cmd"),
    listen,
    protocol: fields.oneOf("proto", ["tcp", "tcp4", "tcp6"], "tcp"),
    prefork: fields.number("prefork", 0),
    maxchild: fields.number("maxchild", -1),
    maxfds: fields.number("maxfds", 0),
    maxforkrate: fields.number("maxforkrate", 0),
    babysit: fields.switch("babysit"),
    processes: fields.text("processes") === "auto" ? "auto" : fields.optionalNumber("processes"),
  };
}

function readEvent(name: string, fields: Fields): EventEntry {
  return { name, command: fields.required("cmd"), when: readWhen(fields) };
}

function readWhen(fields: Fields): EventEntry["when"] {
  const cron = fields.text("cron");
  if (cron !== undefined) {
    if (!isCronExpression(cron)) fields.complain(`cron="${cron}" is not "minute hour day month weekday"`);
    return { kind: "cron", expression: cron };
  }
  const at = fields.text("at");
  if (at !== undefined) {
    const match = /^(\d?\d)(\d\d)$/.exec(at);
    const [hour, minute] = [Number(match?.[1]), Number(match?.[2])];
    if (!match || hour > 23 || minute > 59) fields.complain(`at=${at} is not a time of day (hhmm)`);
    return { kind: "at", hour, minute };
  }
  const minutes = fields.number("period", 0);
  return minutes > 0 ? { kind: "period", minutes } : { kind: "start" };
}

function isCronExpression(text: string): boolean {
  try {
    return new Cron(text, { mode: "5-part" }) !== undefined;
  } catch {
    return false;
  }
}

function readDaemon(name: string, fields: Fields): DaemonEntry {
  return {
    name,
    command: fields.required("cmd"),
    maxfds: fields.number("maxfds", 0),
    maxforkrate: fields.number("maxforkrate", 10),
    wait: fields.switch("wait"),
  };
}

/** Typed reading of one entry's keys; what is wrong is added to `problems`. */
class Fields {
  constructor(
    readonly entry: Entry,
    readonly file: string,
    readonly problems: string[],
  ) {}

  complain(problem: string): void {
    this.problems.push(describeProblem({ file: this.file, line: this.entry.line }, `${this.entry.name}: ${problem}`));
  }

  text(key: string): string | undefined {
    return this.entry.fields.get(key);
  }

  required(key: string): string {
    const value = this.text(key)?.trim();
    if (!value) this.complain(`${key}= is missing`);
    return value ?? "";
  }

  optionalNumber(key: string, least = 0): number | undefined {
    const value = this.text(key);
    if (value === undefined) return undefined;
    if (/^-?\d+$/.test(value) && Number(value) >= least) return Number(value);
    this.complain(`${key}=${value} is not a number of at least ${least}`);
    return undefined;
  }

  number(key: string, otherwise: number): number {
    return this.optionalNumber(key, Math.min(0, otherwise)) ?? otherwise;
  }

  switch(key: string): boolean {
    const value = this.text(key);
    const parsed = value === undefined ? false : parseSwitch(value);
    if (parsed === undefined) this.complain(`${key}=${value} is not a switch (use yes or no)`);
    return parsed ?? false;
  }

  oneOf<V extends string>(key: string, values: readonly V[], otherwise: V): V {
    const value = this.text(key);
    if (value === undefined) return otherwise;
    const found = values.find((each) => each === value.toLowerCase());
    if (!found) this.complain(`${key}=${value} is not one of ${values.join(", ")}`);
    return found ?? otherwise;
  }
}

function reportDuplicates(services: readonly Entry[], file: string, problems: string[]): void {
  const firstLine = new Map<string, number>();
  for (const { name, line } of services) {
    const first = firstLine.get(name);
    if (first === undefined) firstLine.set(name, line);
    else problems.push(describeProblem({ file, line }, `${name}: service defined twice (first on line ${first})`));
  }
}
