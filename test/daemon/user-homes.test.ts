import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { Metrics } from "../../lib/base/metrics.ts";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { ConfigError } from "../../lib/config/config-error.ts";
import { openUserHomes } from "../../lib/daemon/user-homes.ts";
import { openMailboxList } from "../../lib/mailbox/list-sqlite.ts";
import { entry } from "../support/imap-session.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-homes-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function opened(overrides: ConfigOverrides) {
  const config = defaultConfig({ proxy_mode: "multiplexer", ...overrides });
  return openUserHomes(
    {
      ...{ program: "proxyd", serviceName: "imap", config, log: silentLog, metrics: new Metrics(), clock: systemClock },
      ...{ shutdown: new AbortController().signal, tls: () => undefined, isImplicitTls: false },
    },
    "test",
  );
}

test("SIGHUP reads the homes again, and one with mistakes changes nothing (S197)", async () => {
  const path = join(folder, "popmap");
  writeFileSync(path, "ann: be1\n");
  const { homes, reload } = opened({ proxy_map: path, defaultserver: "be9" });
  expect([(await homes.home("ann")).server, (await homes.home("bob")).server]).toEqual(["be1", "be9"]);
  reload(defaultConfig({ proxy_map: path, proxy_user_servers: ["bob=be2"], defaultserver: "be8" }));
  expect([(await homes.home("bob")).server, (await homes.home("carl")).server]).toEqual(["be2", "be8"]);
  const other = join(folder, "other");
  writeFileSync(other, "nonsense\n");
  expect(() => reload(defaultConfig({ proxy_map: other }))).toThrow(ConfigError);
  expect((await homes.home("bob")).server).toBe("be2");
});

test("only passwords of users whose home checks them are left to it", async () => {
  const hostSettings = new Map([["be2_login", "password"]]);
  const { defers } = opened({ proxy_user_servers: ["ann=be1", "bob=be2"], hostSettings });
  expect([await defers("ann"), await defers("BOB"), await defers("nobody"), await defers("-")]).toEqual([
    ...[false, true, false, false],
  ]);
});

test("behind a murder a user is at home where his INBOX is; not knowing is no reason for the default server", async () => {
  const path = join(folder, "mailboxes.db");
  const list = openMailboxList({ path, clock: systemClock });
  await list.change([{ put: entry("user.ann", "", { server: "be3" }) }]);
  list.close();
  const settings = { configdirectory: folder, mboxlist_db_path: path, mupdate_server: "m", defaultserver: "be9" };
  const { homes, close } = opened(settings);
  expect((await homes.home("ann")).server).toBe("be3");
  await expect(homes.home("bob")).rejects.toMatchObject({ code: "UNAVAILABLE" }); // the list is not complete
  close();
});
