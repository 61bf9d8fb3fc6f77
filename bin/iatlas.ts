// iatlas is every program of this mail server under one name: "iatlas imapd" is imapd, and an executable that was linked
// under the name imapd is imapd as well. It also has commands that belong to no other program: config explains and checks the
// configuration, completion makes a shell complete our command lines.

import { basename } from "node:path";
import { defineProgram, main } from "../lib/cli/command.ts";
import { UsageError } from "../lib/cli/exit-code.ts";
import type { AnyProgram, Subcommand } from "../lib/cli/program.ts";

type Commands = Readonly<Record<string, Subcommand>>;

/** The programs with a file in bin/: each is linked under its name in dist/bin and has a man page of its own. */
export const programs: Commands = {
  master: {
    summary: "Start the programs of a mail server and keep them running",
    load: () => import("./master.ts").then((file) => file.program),
  },
  imapd: {
    summary: "Serve IMAP from the mailboxes of this server",
    load: () => import("./imapd.ts").then((file) => file.program),
  },
  proxyd: {
    summary: "Serve IMAP for all backends of a murder",
    load: () => import("./proxyd.ts").then((file) => file.program),
  },
  pop3d: {
    summary: "Serve POP3",
    load: () => import("./pop3d.ts").then((file) => file.program),
  },
  lmtpd: {
    summary: "Deliver mail into the mailboxes of this server",
    load: () => import("./lmtpd.ts").then((file) => file.program),
  },
  lmtpproxyd: {
    summary: "Pass mail on to the backends of a murder",
    load: () => import("./lmtpproxyd.ts").then((file) => file.program),
  },
  mupdate: {
    summary: "Keep the list of all mailboxes of a murder, as its master or as a frontend's replica",
    load: () => import("./mupdate.ts").then((file) => file.program),
  },
  ctl_mboxlist: {
    summary: "Dump, load and verify the mailbox list, or make the MUPDATE master agree with it",
    load: () => import("./ctl_mboxlist.ts").then((file) => file.program),
  },
  ctl_mupdate: {
    summary: "Show, check and repair the list of all mailboxes that the MUPDATE master keeps",
    load: () => import("./ctl_mupdate.ts").then((file) => file.program),
  },
  saslpasswd: {
    summary: "Make, change, disable, delete and list the users of the password file",
    load: () => import("./saslpasswd.ts").then((file) => file.program),
  },
};

/** What only iatlas has; man/iatlas-<name>.8 tells of each. */
export const ownCommands: Commands = {
  demo: {
    summary: "Start a whole murder on this machine: two frontends, two backends and a MUPDATE master",
    load: async () => {
      const { demoProgram } = await import("../lib/cli/demo/demo-program.ts");
      return demoProgram(import.meta.dir, Object.keys(programs));
    },
  },
  status: {
    summary: "Show the running programs of the demo or of a server",
    load: () => import("../lib/cli/demo/status-program.ts").then((file) => file.statusProgram),
  },
  config: {
    summary: "Check and explain the configuration",
    load: () => import("../lib/cli/config-commands.ts").then((file) => file.configProgram),
  },
  completion: {
    summary: "Print a script that makes a shell complete our command lines",
    load: async () => {
      const { completionProgram } = await import("../lib/cli/completion.ts");
      return completionProgram(program, programs);
    },
  },
};

export const program: AnyProgram = defineProgram({
  name: "iatlas",
  summary: "All programs of the iatlas mail server under one name",
  commands: { ...ownCommands, ...programs },
  run() {
    throw new UsageError("A command is missing");
  },
});

/** The program this executable was called as: each link in dist/bin is named after one. */
function calledProgram(name: string): Promise<AnyProgram> {
  return Object.hasOwn(programs, name) ? programs[name]!.load() : Promise.resolve(program);
}

if (import.meta.main) await main(await calledProgram(basename(process.argv0)));
