// ctl_mboxlist beside the servers of a running murder: what it says is true while they work, and it changes nothing under them.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Finished, runToEnd } from "../support/command-line.ts";
import { ImapWire } from "../support/imap-wire.ts";
import { ListTool } from "../support/list-tool.ts";
import type { Murder, NodeName } from "../support/murder.ts";
import { shareMurder } from "../support/shared-murder.ts";

let murder: Murder;
shareMurder((started) => {
  murder = started;
});

const on = (node: NodeName, argv: readonly string[], input = ""): Promise<Finished> =>
  runToEnd("ctl_mboxlist", ["-C", join(murder.folder, node, "imapd.conf"), ...argv], input);
const silent = { code: 0, stdout: "", stderr: "" };

test("-v and -m find nothing wrong with a backend, also while mailboxes come and go on it", async () => {
  expect(await on("backend1", ["-v"])).toEqual(silent);
  expect(await on("backend1", ["-m"])).toEqual(silent);
  using ann = await ImapWire.login(murder, murder.backends[0].imap, "ann");
  const looking = Promise.all([on("backend1", ["-v"]), on("backend1", ["-m"])]);
  let isDone = false;
  void looking.then(() => {
    isDone = true;
  });
  while (!isDone) {
    await ann.ok("CREATE passing");
    await ann.ok("DELETE passing");
  }
  const [verified, agreed] = await looking;
  expect(verified).toEqual(silent);
  expect(agreed.code).toBe(0); // it may see a mailbox here that it did not yet see there, and look again
  expect(await on("backend1", ["-m"])).toEqual(silent);
}, 60_000);

test("-u refuses a list that servers have open, and names one of them", async () => {
  const { stdout: dump } = await on("backend1", ["-d"]);
  expect((await on("backend1", ["-u"], dump)).stderr).toContain("0 loaded, 0 replaced");
  const refused = await on("backend1", ["-u"], "user.new\t0 default \n");
  expect(refused).toMatchObject({ code: 75, stdout: "" });
  expect(refused.stderr).toMatch(/is in use by (imapd|lmtpd|pop3d) \d+/);
}, 60_000);

test("a backend's dump, loaded with --server, is what a frontend has of it", async () => {
  await murder.caughtUp();
  const [backend, frontend] = await Promise.all([on("backend1", ["-d"]), on("frontend1", ["-d"])]);
  const known = Object.values<{ server: string }>(JSON.parse(frontend.stdout));
  const server = /^servername: (.*)$/m.exec(await Bun.file(join(murder.folder, "backend1/imapd.conf")).text())?.[1];
  using fresh = new ListTool("ctl_mboxlist", ["servername: new.lab", "mupdate_server: mu.lab"]);
  const untold = await fresh.run(["-u"], backend.stdout);
  expect(untold.code).toBe(65);
  expect((await fresh.run(["-u", "--server", server ?? ""], backend.stdout)).code).toBe(0);
  const loaded = Object.values<object>(JSON.parse((await fresh.run(["-d"])).stdout));
  expect(loaded).toEqual(known.filter((entry) => entry.server === server));
}, 60_000);
