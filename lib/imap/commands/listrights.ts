// LISTRIGHTS (RFC 4314 §3.4): what an identifier always has on a mailbox, and which rights can be granted to it.

import { canonicalIdentifier, Right } from "../../mailbox/acl.ts";
import { grantableRights } from "../../mailbox/effective-rights.ts";
import { formatAstring } from "../../wire/writer.ts";
import { locateVisible, requireRights } from "../access.ts";
import { type IdentifierArgs, identifierArgs } from "../parse/mailbox.ts";
import { here, row } from "../row.ts";

export const listRightsRow = row<IdentifierArgs>({
  state: "authenticated",
  args: identifierArgs,
  at: here,
  async run(session, { mailbox, identifier }) {
    const entry = await locateVisible(session, mailbox);
    requireRights(session, entry, Right.admin);
    const { config } = session.server;
    const { always, optional } = grantableRights(
      entry.name,
      canonicalIdentifier(identifier, config),
      config,
      session.user.isAdmin,
    );
    const name = formatAstring(session.namespace.toExternal(entry.name));
    const groups = [always === "" ? '""' : always, ...optional].join(" ");
    session.untagged(`LISTRIGHTS ${name} ${formatAstring(identifier)} ${groups}`);
    return undefined;
  },
});
