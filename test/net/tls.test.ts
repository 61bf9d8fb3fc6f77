// STARTTLS and implicit TLS over real sockets: certificates, names, client certificates and what goes wrong (R: RFC 3207,
// RFC 9051 §6.2.1, RFC 6066 §3, RFC 9266).

import { afterEach, describe, expect, test } from "bun:test";
import { connect as netConnect } from "node:net";
import { connect } from "../../lib/net/connect.ts";
import type { ClientTls, Connection, ServerTls, TlsState } from "../../lib/net/connection.ts";
import { type Listener, listen } from "../../lib/net/listen.ts";
import { clientTls, serverTls, testCertificates } from "../support/certificates.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";

const listeners: Listener[] = [];
const open: Connection[] = [];

afterEach(() => {
  for (const listener of listeners.splice(0)) listener.stop();
  for (const connection of open.splice(0)) connection.destroy();
});

const certificates = await testCertificates();
const both = serverTls([certificates.localhost, certificates.other]);

async function plainListener(onConnection: (connection: Connection) => void): Promise<number> {
  const listener = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      onConnection(connection) {
        open.push(connection);
        onConnection(connection);
      },
    },
  );
  listeners.push(listener);
  return listener.port;
}

async function plainClient(port: number): Promise<Connection> {
  const connection = await connect({ host: "127.0.0.1", port }, { timeoutMs: 5_000 });
  open.push(connection);
  return connection;
}

/** Both ends of a fresh connection after TLS was started on each, or the faults. */
async function handshake(server: ServerTls, client: ClientTls): Promise<[TlsState | Error, TlsState | Error]> {
  const serverSide = Promise.withResolvers<TlsState>();
  const port = await plainListener((connection) => {
    connection.attach({ receive() {}, closed() {} });
    connection.startTlsServer(server).then(serverSide.resolve, serverSide.reject);
  });
  const connection = await plainClient(port);
  const asResult = (promise: Promise<TlsState>) => promise.catch((fault: Error) => fault);
  const clientSide = connection.startTlsClient(client);
  return Promise.all([asResult(serverSide.promise), asResult(clientSide)]);
}

function established(result: TlsState | Error): TlsState {
  if (result instanceof Error) throw result;
  return result;
}

function refused(result: TlsState | Error): Error {
  if (!(result instanceof Error)) throw new Error("the handshake succeeded");
  return result;
}

describe("startTlsServer() chooses the certificate by the client's server name", () => {
  test.each([
    ["localhost", true],
    ["other.example", true],
    ["OTHER.example", true],
    ["a.wild.example", true],
    ["unknown.example", false],
    ["a.b.wild.example", false],
  ] as const)("%s: fits %p", async (serverName, fits) => {
    const [server, client] = await handshake(both, clientTls(certificates.authority, { serverName }));
    if (fits) expect(established(server).serverName).toBe(serverName.toLowerCase());
    expect(client instanceof Error).toBe(!fits);
  });

  test("an address is no server name: the default certificate is sent and its address checked", async () => {
    const [server, client] = await handshake(both, clientTls(certificates.authority, { serverName: "127.0.0.1" }));
    expect(established(server).serverName).toBeUndefined();
    expect(established(client).protocol).toBe("TLSv1.3");
  });
});

describe("startTlsClient() refuses", () => {
  test("a certificate for another name", async () => {
    const only = serverTls([certificates.localhost]);
    const [, client] = await handshake(only, clientTls(certificates.authority, { serverName: "other.example" }));
    expect(refused(client).message).toContain("other.example");
  });

  test("an expired certificate", async () => {
    const [, client] = await handshake(serverTls([certificates.expired]), clientTls(certificates.authority));
    expect(refused(client).message).toContain("expired");
  });

  test("an authority it does not trust, the system's included", async () => {
    const [, client] = await handshake(both, clientTls(certificates.authority, { authorities: undefined }));
    expect(refused(client)).toBeInstanceOf(Error);
  });

  test("nothing when told not to verify", async () => {
    const [, client] = await handshake(serverTls([certificates.expired]), clientTls("", { verify: false }));
    expect(established(client).peerCertificate).toBeUndefined();
  });

  test("nothing of a self-signed one either, which is refused when it is told to verify", async () => {
    const [, trusting] = await handshake(serverTls([selfSigned]), clientTls("", { verify: false }));
    expect(established(trusting).peerCertificate).toBeUndefined();
    const [, careful] = await handshake(serverTls([selfSigned]), clientTls(certificates.authority));
    expect(refused(careful).message).toContain("self");
  });
});

describe("client certificates", () => {
  const asking = { clientAuthorities: certificates.authority } as const;
  const optional = serverTls([certificates.localhost], { ...asking, clientCertificates: "optional" });
  const required = serverTls([certificates.localhost], { ...asking, clientCertificates: "require" });
  const withClient = clientTls(certificates.authority, { client: certificates.client });
  const withStranger = clientTls(certificates.authority, { client: certificates.strangerClient });

  test("a verified one is the server's peerCertificate", async () => {
    const [server] = await handshake(optional, withClient);
    expect(established(server).peerCertificate?.subject).toBe("CN=ann");
  });

  test("an unverified one counts as none when they are optional", async () => {
    const [server] = await handshake(optional, withStranger);
    expect(established(server).peerCertificate).toBeUndefined();
  });

  test("an unverified one and none at all are refused when they are required", async () => {
    expect(refused((await handshake(required, withStranger))[0])).toBeInstanceOf(Error);
    expect(refused((await handshake(required, clientTls(certificates.authority)))[0])).toBeInstanceOf(Error);
    expect(established((await handshake(required, withClient))[0]).peerCertificate?.subject).toBe("CN=ann");
  });
});

describe("the handshake's result", () => {
  test("both ends export the same channel binding under TLS 1.3, none below (RFC 9266)", async () => {
    const exporters: (Uint8Array | undefined)[] = [];
    const port = await plainListener((connection) => {
      connection.attach({ receive() {}, closed() {} });
      void connection.startTlsServer(both).then((state) => exporters.push(state.exporter));
    });
    const connection = await plainClient(port);
    const state = await connection.startTlsClient(clientTls(certificates.authority));
    const atServer = new RecordingReceiver(connection);
    open[0]!.write("go");
    await atServer.until("go");
    expect(state.exporter?.length).toBe(32);
    expect(Buffer.from(state.exporter!).equals(Buffer.from(exporters[0]!))).toBe(true);
  });

  test("the version limits hold", async () => {
    const old = serverTls([certificates.localhost], { maxVersion: "TLSv1.2" });
    const [server, client] = await handshake(old, clientTls(certificates.authority));
    expect(established(server).protocol).toBe("TLSv1.2");
    expect(established(client).exporter).toBeUndefined();
    expect(established(client).cipher).not.toBe("");
  });
});

describe("STARTTLS", () => {
  test("plaintext sent ahead of the handshake is thrown away", async () => {
    const received: string[] = [];
    const secure = Promise.withResolvers<void>();
    const port = await plainListener((connection) => {
      // Commands injected behind STARTTLS lie in the socket's own buffer when TLS begins.
      connection.attach({
        receive(bytes) {
          const text = Buffer.from(bytes).toString("latin1");
          received.push(text);
          if (!text.includes("STARTTLS")) return;
          connection.pause();
          setImmediate(() => {
            connection.write("OK begin\r\n");
            connection.startTlsServer(both).then(() => secure.resolve(), secure.reject);
          });
        },
        closed() {},
      });
    });
    const client = await plainClient(port);
    const atClient = new RecordingReceiver(client);
    client.write("STARTTLS\r\n");
    await atClient.until("OK begin\r\n");
    const state = await client.startTlsClient(clientTls(certificates.authority));
    await secure.promise;
    expect(state.protocol).toBe("TLSv1.3");
    client.write("NOOP\r\n");
    open[0]!.resume();
    const answered = Promise.withResolvers<void>();
    open[0]!.attach({
      receive: (bytes) => {
        received.push(Buffer.from(bytes).toString("latin1"));
        answered.resolve();
      },
      closed() {},
    });
    await answered.promise;
    expect(received).toEqual(["STARTTLS\r\n", "NOOP\r\n"]);
  });

  test("bytes that nobody took before startTlsServer() are never delivered", async () => {
    const arrived = Promise.withResolvers<Connection>();
    const port = await plainListener((connection) => arrived.resolve(connection));
    const client = await plainClient(port);
    client.write("INJECTED\r\n");
    const server = await arrived.promise;
    const probe = new RecordingReceiver(server);
    await probe.until("INJECTED");
    server.pause();
    client.write("MORE\r\n");
    await new Promise((resolve) => setImmediate(resolve));
    server.resume();
    await probe.until("MORE");
    const outcomes = Promise.all([
      server.startTlsServer(both),
      client.startTlsClient(clientTls(certificates.authority)),
    ]);
    await outcomes;
    client.write("CLEAN\r\n");
    const after = new RecordingReceiver(server);
    expect(await after.until("\r\n")).toBe("CLEAN\r\n");
  });

  test("data that comes with the last handshake bytes is delivered after the promise", async () => {
    const order: string[] = [];
    const done = Promise.withResolvers<void>();
    const port = await plainListener((connection) => {
      connection.attach({
        receive: (bytes) => {
          order.push(Buffer.from(bytes).toString("latin1"));
          done.resolve();
        },
        closed() {},
      });
      void (async () => {
        await connection.startTlsServer(both);
        order.push("secure");
      })();
    });
    const client = await plainClient(port);
    await client.startTlsClient(clientTls(certificates.authority));
    client.write("at once");
    await done.promise;
    expect(order).toEqual(["secure", "at once"]);
  });

  test("garbage instead of a handshake fails it and closes the connection", async () => {
    const outcome = Promise.withResolvers<Error>();
    const closed = Promise.withResolvers<string>();
    const port = await plainListener((connection) => {
      connection.attach({ receive() {}, closed: (reason) => closed.resolve(reason.kind) });
      connection.startTlsServer(both).then(() => outcome.reject(new Error("succeeded")), outcome.resolve);
    });
    const socket = netConnect({ host: "127.0.0.1", port });
    socket.on("error", () => {});
    socket.write("a1 LOGIN ann secret\r\n");
    expect(await outcome.promise).toBeInstanceOf(Error);
    expect(await closed.promise).toBe("error");
    socket.destroy();
  });

  test("a peer that says nothing, or leaves, fails it", async () => {
    const silent = Promise.withResolvers<Error>();
    const left = Promise.withResolvers<Error>();
    const outcomes = [silent, left];
    const port = await plainListener((connection) => {
      const outcome = outcomes.shift()!;
      const timeoutMs = outcome === silent ? 20 : 5_000;
      connection
        .startTlsServer({ ...both, handshakeTimeoutMs: timeoutMs })
        .then(() => outcome.reject(new Error("succeeded")), outcome.resolve);
    });
    const quiet = netConnect({ host: "127.0.0.1", port });
    quiet.on("error", () => {});
    expect((await silent.promise).message).toContain("timed out");
    quiet.destroy();
    const leaving = netConnect({ host: "127.0.0.1", port }, () => leaving.end());
    leaving.on("error", () => {});
    expect(await left.promise).toBeInstanceOf(Error);
  });

  test("twice is refused and leaves the connection alone", async () => {
    const secure = Promise.withResolvers<TlsState>();
    const port = await plainListener((connection) => {
      connection.startTlsServer(both).then(secure.resolve, secure.reject);
    });
    const client = await plainClient(port);
    await client.startTlsClient(clientTls(certificates.authority));
    await expect(client.startTlsClient(clientTls(certificates.authority))).rejects.toThrow("TLS is already active");
    await secure.promise;
    expect(client.isOpen).toBe(true);
  });
});

test("implicit TLS: a failed handshake goes to onError and nowhere else", async () => {
  const failed = Promise.withResolvers<Error>();
  let connections = 0;
  const listener = await listen(
    { host: "127.0.0.1", port: 0 },
    {
      tls: () => both,
      onConnection: () => {
        connections += 1;
      },
      onError: failed.resolve,
    },
  );
  listeners.push(listener);
  const socket = netConnect({ host: "127.0.0.1", port: listener.port });
  socket.on("error", () => {});
  socket.write("GET / HTTP/1.0\r\n\r\n");
  expect(await failed.promise).toBeInstanceOf(Error);
  expect(connections).toBe(0);
  socket.destroy();
});

/** As "openssl req -x509" makes it, for localhost, good for a hundred years. */
const selfSigned = {
  certificate: `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUG9tMe1yqQQ0PRkfaEA+HQhqDqZ0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIwMjc0MloYDzIxMjYxMDMw
MjAyNzQyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT52h+nQfDMs8UHm2YISTHr3VOs7Tf5LcWNAMWfZ+0hgDksR+uuKpjB
woOyBXVxg+jjcN+TaegWhDPuphOk/BxNo2kwZzAdBgNVHQ4EFgQUyVQ/oAPhync2
H4XxgZfRYWUXgiYwHwYDVR0jBBgwFoAUyVQ/oAPhync2H4XxgZfRYWUXgiYwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAPIPnFpaxHmH8mj729fCg3zjJEzDkWl/HiD7UPPu/KzkAiEA/APIRLIs
TYCEquBJSZUrpw191RimIPfpGABCdtjY/Hw=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglDVjftH+64lU6uuC
pCYzCuIiXfm5tGdguYTsqwtpkBOhRANCAAT52h+nQfDMs8UHm2YISTHr3VOs7Tf5
LcWNAMWfZ+0hgDksR+uuKpjBwoOyBXVxg+jjcN+TaegWhDPuphOk/BxN
-----END PRIVATE KEY-----
`,
};
