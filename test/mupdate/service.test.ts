// The sessions of a MUPDATE process together: how many there may be.

import { expect, test } from "bun:test";
import { ManualClock } from "../../lib/base/clock.ts";
import { silentLog } from "../../lib/base/log.ts";
import { MupdateService } from "../../lib/mupdate/service.ts";
import { connectionPair } from "../../lib/net/pair.ts";
import { emptyRegistry, sessionOptions } from "../support/mupdate-world.ts";
import { Transcript } from "../support/transcript.ts";

test("those who are too many are told so, and the log says it once a minute (W12)", async () => {
  const clock = new ManualClock();
  const logged: unknown[] = [];
  const log = { ...silentLog, warning: (_event: string, fields: unknown) => void logged.push(fields) };
  const session = { ...sessionOptions(emptyRegistry(), { clock }), log };
  const service = new MupdateService({ session, maxConnections: 0, isReady: () => true });
  const knock = async () => {
    const [server, client] = connectionPair();
    const transcript = new Transcript(client);
    service.accept(server, () => {});
    expect(await transcript.upTo("\r\n")).toBe('* BYE "Server Unable"\r\n');
  };
  for (let count = 0; count < 20; count++) await knock();
  expect(logged).toEqual([{ most: 0, client: expect.any(String), times: 1 }]);
  clock.advance(60_000);
  await knock();
  expect(logged.at(1)).toMatchObject({ times: 20 });
});
