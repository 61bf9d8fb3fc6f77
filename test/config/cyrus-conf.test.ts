import { expect, test } from "bun:test";
import { ConfigError } from "../../lib/config/config-error.ts";
import { parseCyrusConf } from "../../lib/config/cyrus-conf.ts";

function problemsOf(text: string): readonly string[] {
  try {
    parseCyrusConf(text, "cyrus.conf");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test("parseCyrusConf() reads a file as Cyrus has them", () => {
  const conf = parseCyrusConf(
    `# a comment
START {
  recover   cmd="ctl_cyrusdb -r"   # another
}
services {
  imap     cmd="imapd -U 30" listen="imap" prefork=0 maxchild=100 provide_uuid=1
  lmtpunix cmd="lmtpd" listen="/run/cyrus/socket/lmtp" prefork=1 babysit=yes
  imap6    cmd="proxyd -s" listen="[::1]:993" proto="tcp6" processes=auto
}
SERVICES {
  pop3 cmd=pop3d listen=110 processes=2
}
EVENTS {
  checkpoint cmd="ctl_cyrusdb -c" period=30
  delprune   cmd="cyr_expire -E 3" at=0401
  once       cmd="tidy"
  nightly    cmd="tidy" cron="5 4 * * sun"
}
DAEMON { }
DAEMON {
  idled cmd="idled" wait=y
}
`,
    "cyrus.conf",
  );
  expect(conf.start).toEqual([{ name: "recover", command: "ctl_cyrusdb -r" }]);
  expect(
    conf.services.map(({ name, listen, prefork, maxchild, babysit, processes, protocol }) => [
      name,
      listen,
      prefork,
      maxchild,
      babysit,
      processes,
      protocol,
    ]),
  ).toEqual([
    ["imap", "imap", 0, 100, false, undefined, "tcp"],
    ["lmtpunix", "/run/cyrus/socket/lmtp", 1, -1, true, undefined, "tcp"],
    ["imap6", "[::1]:993", 0, -1, false, "auto", "tcp6"],
    ["pop3", "110", 0, -1, false, 2, "tcp"],
  ]);
  expect(conf.services[0]!.command).toBe("imapd -U 30");
  expect(conf.events.map((event) => event.when)).toEqual([
    { kind: "period", minutes: 30 },
    { kind: "at", hour: 4, minute: 1 },
    { kind: "start" },
    { kind: "cron", expression: "5 4 * * sun" },
  ]);
  expect(conf.daemon).toEqual([{ name: "idled", command: "idled", maxfds: 0, maxforkrate: 10, wait: true }]);
  expect(conf.warnings).toEqual(["cyrus.conf:6: imap: provide_uuid: unknown key"]);
});

test("parseCyrusConf() reports all problems with their lines", () => {
  expect(
    problemsOf(`imap cmd="x"
SERVICE {
  a cmd="b"
}
SERVICES {
  imap cmd="imapd
  im-ap cmd="imapd" listen="143"
  imap listen="143"
  imap cmd="imapd" listen="143" prefork=some
  pop3 cmd="pop3d" listen="110" proto=udp stray
}
EVENTS {
  night cmd="tidy" at=2561
  noon cmd="tidy" cron="61 * * * *"
`),
  ).toEqual([
    'cyrus.conf:1: "imap cmd="x"" is not the start of a section (expected "NAME {")',
    'cyrus.conf:2: SERVICE: unknown section (did you mean "SERVICES"?)',
    'cyrus.conf:6: imap: missing "',
    'cyrus.conf:7: "im-ap" is not a name (letters and digits)',
    'cyrus.conf:10: pop3: "stray" is not key=value',
    'cyrus.conf:12: section has no closing "}"',
    "cyrus.conf:8: imap: service defined twice (first on line 6)",
    "cyrus.conf:9: imap: service defined twice (first on line 6)",
    "cyrus.conf:6: imap: listen= is missing",
    "cyrus.conf:6: imap: cmd= is missing",
    "cyrus.conf:8: imap: cmd= is missing",
    "cyrus.conf:9: imap: prefork=some is not a number of at least 0",
    "cyrus.conf:10: pop3: proto=udp is not one of tcp, tcp4, tcp6",
    "cyrus.conf:13: night: at=2561 is not a time of day (hhmm)",
    'cyrus.conf:14: noon: cron="61 * * * *" is not "minute hour day month weekday"',
  ]);
});

test("parseCyrusConf() warns of an unknown key with the nearest one", () => {
  const conf = parseCyrusConf(`SERVICES {\n  imap cmd="imapd" listen="143" perfork=2\n}\n`, "cyrus.conf");
  expect(conf.warnings).toEqual(['cyrus.conf:2: imap: perfork: unknown key (did you mean "prefork"?)']);
});
