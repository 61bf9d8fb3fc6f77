// What an imapd.conf option is. Each option is one literal in options/*.ts: from the literals come the types of Config,
// the defaults, the checks, `iatlas config` and imapd.conf(5). A default is written as an administrator would write it.

/** The programs that read imapd.conf. */
export const programs = [
  "master",
  "imapd",
  "proxyd",
  "pop3d",
  "lmtpd",
  "lmtpproxyd",
  "mupdate",
  "timsieved",
  "ctl_mboxlist",
  "ctl_mupdate",
  "xfer",
  "reconstruct",
  "quota",
  "cyr_expire",
  "saslpasswd",
  "iatlas",
] as const;
export type Program = (typeof programs)[number];

/** The oldest generation known to have the option; what Cyrus does not have is ours. */
export type Since = "2.4" | "3" | "3.13" | "iatlas 0.1";

interface Spec {
  /** As written in imapd.conf; absent: unset. `{configdirectory}` is expanded at the start of a string. */
  readonly default?: string;
  readonly since: Since;
  /** Empty: a Cyrus option that is known by name and has no effect here. */
  readonly usedBy: readonly Program[];
  /** One or more sentences for imapd.conf(5). */
  readonly doc: string;
}

export interface StringSpec extends Spec {
  readonly type: "string";
  /** Returns what is wrong with the value, or undefined. Is not asked about the default. */
  readonly check?: (value: string) => string | undefined;
}

export interface IntSpec extends Spec {
  readonly type: "int";
  readonly min?: number;
  readonly max?: number;
}

export interface SwitchSpec extends Spec {
  readonly type: "switch";
  readonly default: "0" | "1";
}

export interface EnumSpec extends Spec {
  readonly type: "enum";
  readonly values: readonly string[];
}

/** Blank-separated words; with `values` only these (Cyrus calls that a bit field). */
export interface ListSpec extends Spec {
  readonly type: "list";
  readonly values?: readonly string[];
  readonly check?: (value: string) => string | undefined;
}

export interface DurationSpec extends Spec {
  readonly type: "duration";
  /** What a bare number counts. */
  readonly unit: "s" | "m" | "h" | "d";
}

export interface ByteSizeSpec extends Spec {
  readonly type: "bytesize";
  /** What a bare number counts: bytes or KiB. */
  readonly unit: "B" | "K";
}

export type OptionSpec = StringSpec | IntSpec | SwitchSpec | EnumSpec | ListSpec | DurationSpec | ByteSizeSpec;
export type OptionType = OptionSpec["type"];

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The type of an option's value: durations are seconds, sizes bytes, lists arrays (empty when unset). */
export type ValueOf<S extends OptionSpec> = S extends { type: "list"; values: readonly (infer V)[] }
  ? readonly V[]
  : S extends { type: "list" }
    ? readonly string[]
    : S extends { default: string }
      ? SetValueOf<S>
      : SetValueOf<S> | undefined;

type SetValueOf<S extends OptionSpec> = S extends { type: "switch" }
  ? boolean
  : S extends { type: "enum"; values: readonly (infer V)[] }
    ? V
    : S extends { type: "string" }
      ? string
      : number;

export type ValuesOf<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };
