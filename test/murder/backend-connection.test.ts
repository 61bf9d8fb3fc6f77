// Whom a connection to a backend is said to be for, before anything else is sent.

import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type ConfigOverrides, defaultConfig } from "../../lib/config/config.ts";
import { connectToBackend } from "../../lib/murder/backend-connection.ts";
import { formatProxyHeader } from "../../lib/net/proxy-protocol.ts";

const client = { remoteHost: "203.0.113.9", remotePort: 4711 };

/** What be1 receives when `hello` is the first that is sent to it; and its port. */
async function heard(
  settings: ConfigOverrides,
  own: string | undefined,
  by: typeof client | undefined,
): Promise<{ readonly text: string; readonly port: number }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const perHost: Readonly<Record<string, string | undefined>> = {
    imap_address: `127.0.0.1:${port}`,
    send_proxy: own,
  };
  const config = { ...defaultConfig(settings), forHost: (_server: string, setting: string) => perHost[setting] };
  try {
    const arrived = once(server, "connection");
    const connection = await connectToBackend(config, "be1.test", "imap", by);
    connection.attach({ receive() {}, closed() {} });
    connection.write("hello");
    connection.close();
    const [socket] = await arrived;
    let text = "";
    for await (const chunk of socket.setEncoding("latin1")) text += chunk;
    return { text, port };
  } finally {
    server.close();
  }
}

test.each([
  ["nothing without the option", {}, undefined, client, ""],
  ["version 1", { proxy_protocol: "v1" }, undefined, client, "PROXY TCP4 203.0.113.9 127.0.0.1 4711 {port}\r\n"],
  [
    "the version of that backend",
    { proxy_protocol: "v2" },
    "V1",
    client,
    "PROXY TCP4 203.0.113.9 127.0.0.1 4711 {port}\r\n",
  ],
  ["nothing to a backend that is an exception", { proxy_protocol: "v1" }, "off", client, ""],
  ["that it is our own", { proxy_protocol: "v1" }, undefined, undefined, "PROXY UNKNOWN\r\n"],
  [
    "a client over IPv6",
    {},
    "v1",
    { ...client, remoteHost: "2001:db8::1" },
    "PROXY TCP6 2001:db8::1 ::ffff:127.0.0.1 4711 {port}\r\n",
  ],
  ["a client of a unix socket as our own", {}, "v1", { remoteHost: "/run/imap", remotePort: 0 }, "PROXY UNKNOWN\r\n"],
] as const)("connectToBackend() says %s", async (_, settings, own, by, header) => {
  const { text, port } = await heard(settings, own, by);
  expect(text).toBe(`${header.replace("{port}", String(port))}hello`);
});

test("connectToBackend() says it in version 2", async () => {
  const { text, port } = await heard({}, "v2", client);
  const header = formatProxyHeader("v2", { host: "203.0.113.9", port: 4711 }, { host: "127.0.0.1", port });
  expect(text).toBe(`${Buffer.from(header).toString("latin1")}hello`);
});
