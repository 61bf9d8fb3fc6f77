// The router of a server that answers for itself.

import { expect, test } from "bun:test";
import { emptyAcl } from "../../lib/mailbox/acl.ts";
import type { MailboxEntry, UniqueId } from "../../lib/mailbox/list.ts";
import { MemoryMailboxList } from "../../lib/mailbox/list-memory.ts";
import { requireMailboxName as name } from "../../lib/mailbox/name.ts";
import { localRouter } from "../../lib/mailbox/place.ts";
import { plainIdentity } from "../../lib/sasl/identity.ts";

const entry: MailboxEntry = {
  name: name("user.ann"),
  uniqueId: "u" as UniqueId,
  server: "",
  partition: "default",
  acl: emptyAcl,
  state: "active",
  uidValidity: 1,
};

test("localRouter() finds everything here, and needs no master (S18, S20)", async () => {
  const list = new MemoryMailboxList();
  await list.change([{ put: entry }]);
  const router = localRouter(list);
  expect(await router.locate(entry.name)).toEqual({ kind: "here", entry });
  expect([await router.home("nobody"), await router.placeNew(name("x.y"))]).toEqual(["here", "here"]);
  const origin = {
    identity: plainIdentity("ann"),
    sessionId: "s",
    remoteHost: "h",
    remotePort: 1,
    isSecure: true,
    hopsLeft: 5,
  };
  await expect(router.openLinks(origin).to("be2")).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("localRouter() never takes a reserved or moving mailbox for a missing one (S29)", async () => {
  const list = new MemoryMailboxList();
  const router = localRouter(list);
  await expect(router.locate(entry.name)).rejects.toMatchObject({
    code: "NONEXISTENT",
    message: "Mailbox does not exist",
  });
  for (const state of ["reserved", "moving"] as const) {
    await list.change([{ put: { ...entry, state } }]);
    await expect(router.locate(entry.name)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  }
  await list.change([{ put: { ...entry, state: "deleted" } }]);
  await expect(router.locate(entry.name)).rejects.toMatchObject({ code: "NONEXISTENT" });
});
