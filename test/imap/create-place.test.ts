// Where CREATE puts a mailbox: seed 3.7, and Cyrus' options for what the seed leaves to the administrator.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigOverrides } from "../../lib/config/config.ts";
import type { MailboxName } from "../../lib/mailbox/name.ts";
import { MurderRouter } from "../../lib/murder/router.ts";
import { FakeMurder } from "../support/fake-murder.ts";
import { administrator, entry, listOf, loggedIn, mailServer, testServer } from "../support/imap-session.ts";

const entries = [
  entry("user.ann", "ann lrswipkxtea", { server: "be1" }),
  entry("a.b", "anyone lrk", { server: "be1" }),
  entry("a.c", "anyone lrk", { server: "be2" }),
];

/** The product's router, over servers that note what they are asked. */
function routerOver(murder: FakeMurder, keepsMailboxes: boolean): MurderRouter {
  return new MurderRouter({
    list: murder.list,
    ownServer: "mail.test",
    keepsMailboxes,
    hasVirtualDomains: false,
    catchUp: async () => true,
    openLinks: () => murder.openLinks(),
  });
}

async function frontend(config: ConfigOverrides = {}) {
  const murder = new FakeMurder(await listOf(...entries));
  const server = testServer({ list: murder.list, router: routerOver(murder, false), config });
  return { murder, server, admin: loggedIn(server, "cyrus", administrator) };
}

describe("without options a frontend", () => {
  test("makes a mailbox where its parent is, and refuses one whose parent is on several servers (S115, S116)", async () => {
    const { murder, admin, server } = await frontend();
    expect(await admin.command("CREATE user.ann.x")).toEqual(["OK Completed"]);
    expect(await admin.command("CREATE a.x")).toEqual([
      'NO [CANNOT] Cannot place "a.x": its parent is on several servers',
    ]);
    expect(await loggedIn(server, "ann").command("CREATE a.x")).toEqual(["NO [NOPERM] Permission denied"]);
    expect(murder.asked).toEqual(["be1: CREATE user.ann.x"]);
  });

  test("refuses a mailbox without parent, and makes it where the administrator says, by every form (S117, S119)", async () => {
    const { murder, admin } = await frontend();
    expect(await admin.command("CREATE user.x")).toEqual([
      'NO [CANNOT] Cannot place "user.x": it has no parent mailbox',
    ]);
    for (const target of ["be2", "be2!fast", "(SERVER be2)", "(PARTITION fast SERVER be2)", '(server "be2")']) {
      expect(await admin.command(`CREATE user.x ${target}`)).toEqual(["OK Completed"]);
    }
    expect(await admin.command('CREATE "a b" be2!fast')).toEqual(["OK Completed"]);
    expect(await admin.command("CREATE a.x be2")).toEqual(["OK Completed"]);
    expect(await admin.command("CREATE user.ann.x (PARTITION fast)")).toEqual(["OK Completed"]);
    expect(murder.asked).toEqual([
      "be2: CREATE user.x",
      "be2: CREATE user.x fast",
      "be2: CREATE user.x",
      "be2: CREATE user.x fast",
      "be2: CREATE user.x",
      'be2: CREATE "a b" fast',
      "be2: CREATE a.x",
      "be1: CREATE user.ann.x fast",
    ]);
  });

  test("passes on what the backend says to it, which checks again (S122)", async () => {
    const { murder, admin } = await frontend();
    murder.answers.set("CREATE user.ann.x", { status: "NO", text: "[ALREADYEXISTS] Mailbox already exists" });
    expect(await admin.command("CREATE user.ann.x")).toEqual(["NO [ALREADYEXISTS] Mailbox already exists"]);
  });

  test("lets only administrators say where", async () => {
    const { murder, server } = await frontend();
    const ann = loggedIn(server, "ann");
    for (const target of ["be2", "be2!fast", "(SERVER be2)", "(PARTITION fast)"]) {
      expect(await ann.command(`CREATE INBOX.x ${target}`)).toEqual(["NO [NOPERM] Permission denied"]);
    }
    expect(murder.asked).toEqual([]);
  });

  test.each([
    ["()", "BAD Missing CREATE parameter"],
    ["(SERVER)", "BAD …"],
    ["(SERVER be1 SERVER be2)", 'BAD Invalid CREATE parameter "SERVER"'],
    ["(TYPE x)", 'BAD Invalid CREATE parameter "TYPE"'],
    ["(USE (\\Sent))", "NO [USEATTR] Only own mailboxes below INBOX can have a special use"],
    ["(SERVER be2) x", "BAD Unexpected extra arguments"],
    ["be2!", "BAD Invalid partition name in CREATE"],
    ["!fast", "BAD Invalid partition name in CREATE"],
    ["be2!a/b", "BAD Invalid partition name in CREATE"],
    ["(PARTITION ../x)", "BAD Invalid partition name in CREATE"],
  ])("refuses %s as a place", async (target, answer) => {
    const { admin } = await frontend();
    await admin.play(`
      C: a1 CREATE user.x ${target}
      S: a1 ${answer}
    `);
  });
});

const total = "/shared/vendor/cmu/cyrus-imapd/freespace/total";
const most = "/shared/vendor/cmu/cyrus-imapd/freespace/percent/most";

/** What the servers answer who is asked for their room; all the same, the fake murder knows commands and no servers. */
function tellSpace(murder: FakeMurder, entryName: string, space: string): void {
  murder.answers.set(`GETMETADATA "" ("${entryName}")`, {
    untagged: ["3 EXISTS", `METADATA "" ("${entryName}" "${space}")`],
  });
}

describe("with serverlist a frontend", () => {
  const serverlist = ["be1", "be2", "be3"];

  test("places an administrator's top-level mailboxes at one of the servers, asked once a session for its room", async () => {
    const { murder, admin } = await frontend({ serverlist, defaultserver: undefined });
    tellSpace(murder, total, "10;100");
    murder.down.add("be1");
    expect(await admin.command("CREATE user.x")).toEqual(["OK Completed"]);
    expect(await admin.command("CREATE user.y")).toEqual(["OK Completed"]);
    expect(murder.asked.filter((line) => line.includes("GETMETADATA"))).toEqual([
      `be2: GETMETADATA "" ("${total}")`,
      `be3: GETMETADATA "" ("${total}")`,
    ]);
    expect(murder.asked.filter((line) => line.includes("CREATE"))).toEqual([
      "be2: CREATE user.x",
      "be2: CREATE user.y",
    ]);
  });

  test("asks again after serverlist_select_usage_reinit choices, in other modes for the emptiest partition", async () => {
    const { murder, admin } = await frontend({
      serverlist,
      serverlist_select_mode: "freespace-percent-most",
      serverlist_select_usage_reinit: 2,
    });
    tellSpace(murder, most, "10;100");
    for (const name of ["u", "v", "w", "x", "y"]) await admin.command(`CREATE user.${name}`);
    expect(murder.asked.filter((line) => line === `be1: GETMETADATA "" ("${most}")`)).toHaveLength(3);
  });

  test("asks nobody in random mode, or when there is one server only, or a defaultserver", async () => {
    const random = await frontend({ serverlist, serverlist_select_mode: "random" });
    expect(await random.admin.command("CREATE user.x")).toEqual(["OK Completed"]);
    expect(random.murder.asked[0]).toMatch(/^be[123]: CREATE user\.x$/);
    const one = await frontend({ serverlist: ["be2"] });
    expect(await one.admin.command("CREATE user.x")).toEqual(["OK Completed"]);
    expect(one.murder.asked).toEqual(["be2: CREATE user.x"]);
    const fixed = await frontend({ serverlist, defaultserver: "be3" });
    expect(await fixed.admin.command("CREATE user.x")).toEqual(["OK Completed"]);
    expect(fixed.murder.asked).toEqual(["be3: CREATE user.x"]);
  });

  test("still refuses a parent on several servers, and the top-level names of users (S116, S121)", async () => {
    const { murder, admin, server } = await frontend({ serverlist });
    expect((await admin.command("CREATE a.x"))[0]).toStartWith("NO [CANNOT] ");
    expect(await loggedIn(server, "ann").command("CREATE top")).toEqual(["NO [NOPERM] Permission denied"]);
    expect(murder.asked).toEqual([]);
  });

  test("takes servers that do not tell their room when no other is there, and says NO when none is", async () => {
    const { murder, admin } = await frontend({ serverlist });
    murder.down.add("be1");
    expect(await admin.command("CREATE user.x")).toEqual(["OK Completed"]);
    expect(murder.asked.at(-1)).toBe("be2: CREATE user.x");
    const dead = await frontend({ serverlist });
    for (const name of serverlist) dead.murder.down.add(name);
    expect(await dead.admin.command("CREATE user.x")).toEqual([
      "NO [UNAVAILABLE] Server(s) unavailable to complete operation",
    ]);
  });

  test("sends an administrator who follows referrals to the server it chose (S74)", async () => {
    const { murder, admin } = await frontend({ serverlist: ["be2"] });
    await admin.command('RLIST "" ""');
    expect(await admin.command("CREATE user.x")).toEqual(["NO [REFERRAL imap://;AUTH=*@be2/user.x] Remote mailbox."]);
    expect(murder.asked).toEqual([]);
  });
});

describe("a server with mailboxes", () => {
  test("makes an administrator's top-level mailbox itself, when he comes to it (S73, S118)", async () => {
    const server = await mailServer();
    expect(await loggedIn(server, "cyrus", administrator).command("CREATE user.new")).toEqual(["OK Completed"]);
    expect(server.list.find("user.new" as MailboxName)?.server).toBe("");
  });

  test("that is unified, too, or sends it to the server of its serverlist (S118)", async () => {
    for (const [serverlist, asked] of [
      [[], []],
      [["mail.test"], []],
      [["be2"], ["be2: CREATE user.new"]],
    ] as const) {
      const murder = new FakeMurder(await listOf(...entries));
      const { list } = murder;
      const router = routerOver(murder, true);
      const config = { serverlist, mupdate_config: "unified" } as const;
      const server = await mailServer([], { list, router, config });
      expect(await loggedIn(server, "cyrus", administrator).command("CREATE user.new")).toEqual(["OK Completed"]);
      expect(murder.asked).toEqual([...asked]);
    }
  });

  test("refuses top-level mailboxes and quotas to an administrator for whom a mere proxy speaks (S70, S71)", async () => {
    const server = await mailServer(["user.ann"]);
    const proxied = loggedIn(server, "cyrus", { isProxied: true });
    expect(await proxied.command("CREATE top")).toEqual(["NO [NOPERM] Permission denied"]);
    expect(await proxied.command("CREATE user.new default")).toEqual(["NO [NOPERM] Permission denied"]);
    expect(await proxied.command("SETQUOTA user.ann (STORAGE 1)")).toEqual(["NO [NOPERM] Permission denied"]);
  });
});

describe("GETMETADATA, and GETANNOTATION for Cyrus, tell", () => {
  test("proxies and administrators how much room the partitions have, each file system once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "partition-"));
    try {
      const partitions = new Map([
        ["default", folder],
        ["more", folder],
        ["gone", join(folder, "gone")],
      ]);
      const server = await mailServer([], { config: { partitions } });
      const proxy = loggedIn(server, "murder", { isProxied: true });
      await proxy.play(`
        C: a1 GETMETADATA "" ("${total}")
        S: * METADATA "" ("${total}" "…;…")
        S: a1 OK Completed
        C: a2 GETMETADATA (DEPTH 0) "" (${most.toUpperCase()} /shared/comment ${total})
        S: * METADATA "" ("${most}" "…;…" "${total}" "…;…")
        S: a2 OK Completed
        C: a3 GETMETADATA "" /shared/comment
        S: a3 OK Completed
        C: a4 GETANNOTATION "" "/vendor/cmu/cyrus-imapd/freespace/total" ("value.shared")
        S: * ANNOTATION "" "/vendor/cmu/cyrus-imapd/freespace/total" ("value.shared" "…;…")
        S: a4 OK Completed
        C: a5 GETANNOTATION "" ("/vendor/cmu/cyrus-imapd/freespace/total" /comment) value.priv
        S: a5 OK Completed
      `);
      expect((await loggedIn(server, "cyrus", administrator).command(`GETMETADATA "" ${total}`)).at(-1)).toBe(
        "OK Completed",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("users nothing, and of mailboxes nothing", async () => {
    const server = await mailServer(["user.ann"]);
    for (const question of [`GETMETADATA "" ${total}`, 'GETANNOTATION "" /comment value.shared']) {
      expect(await loggedIn(server, "ann").command(question)).toEqual(["NO [NOPERM] Permission denied"]);
    }
    const mailboxes = "GETANNOTATION user.ann /comment value.shared";
    expect(await loggedIn(server, "cyrus", administrator).command(mailboxes)).toEqual([
      "NO [CANNOT] GETANNOTATION does not know mailboxes, use GETMETADATA",
    ]);
  });

  test("a frontend has no room", async () => {
    const { admin } = await frontend();
    expect(await admin.command(`GETMETADATA "" ${total}`)).toEqual(["OK Completed"]);
  });
});
