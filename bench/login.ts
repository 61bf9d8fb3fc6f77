// Connect, log in, perhaps SELECT INBOX, log out: at the server that has the mailbox and through a frontend.

import { type Context, measure } from "./context.ts";
import { places } from "./places.ts";

export async function benchLogin(context: Context): Promise<void> {
  for (const [place, addressOf] of places) {
    for (const hasSelect of [false, true]) {
      for (const connections of [1, 8]) {
        await measure(context, {
          bench: "login",
          name: `${hasSelect ? "login and SELECT" : "login"}, ${place}, ${connections} at a time`,
          unit: "1/s",
          args: (target) =>
            addressOf(target) === undefined
              ? undefined
              : [
                  ...["login", "--at", addressOf(target)!, "--user", target.user, "--password", target.password],
                  ...["--connections", String(connections)],
                  ...(hasSelect ? ["--select", "INBOX"] : []),
                ],
          ...(place === "frontend" ? { timesPeer: 5 } : {}),
        });
      }
    }
  }
  await measure(context, {
    bench: "login",
    name: "AUTHENTICATE PLAIN, frontend, 8 at a time",
    unit: "1/s",
    args: (target) =>
      target.frontend === undefined
        ? undefined
        : ["login", "--at", target.frontend, "--user", target.user, "--password", target.password, "--plain"].concat(
            "--connections",
            "8",
          ),
  });
}
