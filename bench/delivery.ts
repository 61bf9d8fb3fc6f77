// LMTP: messages of 2 KB to one recipient each, durable when they are answered.

import { type Context, measure } from "./context.ts";
import { recipients } from "./prepare.ts";
import type { Target } from "./target.ts";

const ways: readonly (readonly [string, (target: Target) => string | undefined])[] = [
  ["direct", (target) => target.lmtp],
  ["through the proxy", (target) => target.lmtpFrontend],
];

export async function benchDelivery(context: Context): Promise<void> {
  for (const [way, addressOf] of ways) {
    for (const connections of [1, 8, 32]) {
      await measure(context, {
        bench: "delivery",
        name: `2 KB, ${way}, ${connections} connection${connections > 1 ? "s" : ""}`,
        unit: "messages/s",
        args: (target) => {
          const address = addressOf(target);
          const { proxy, password } = target;
          const common = ["--rcpt", recipients.join(","), "--connections", String(connections)];
          return address === undefined
            ? undefined
            : ["lmtp", "--at", address, "--user", proxy, "--password", password, ...common];
        },
        timesPeer: 3,
      });
    }
  }
}
