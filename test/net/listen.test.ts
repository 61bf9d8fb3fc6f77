import { dlopen, ptr } from "bun:ffi";
import { afterEach, expect, test } from "bun:test";
import { linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect as netConnect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { No } from "../../lib/base/fault.ts";
import { connect } from "../../lib/net/connect.ts";
import type { Connection } from "../../lib/net/connection.ts";
import { type Listener, type ListenOptions, type ListenPlace, listen } from "../../lib/net/listen.ts";
import { notify } from "../../lib/net/notify.ts";
import { RecordingReceiver } from "../support/recording-receiver.ts";

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const action of cleanUp.splice(0).reverse()) action();
});

const ignore: ListenOptions = { onConnection: (connection) => connection.destroy() };

async function listening(place: ListenPlace, options: ListenOptions = ignore): Promise<Listener> {
  const listener = await listen(place, options);
  cleanUp.push(() => listener.stop());
  return listener;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "iatlas-listen-"));
  cleanUp.push(() => rmSync(made, { recursive: true }));
  return made;
}

async function faultOf(promise: Promise<unknown>): Promise<No> {
  const fault = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(fault instanceof No)) throw new Error(`expected No, got ${fault}`);
  return fault;
}

test("listen() on every address serves IPv4 and IPv6, and IPv4 peers have plain addresses", async () => {
  const peers: string[] = [];
  const both = Promise.withResolvers<void>();
  const listener = await listening(
    { host: "", port: 0 },
    {
      onConnection(connection) {
        peers.push(connection.remote.host);
        connection.destroy();
        if (peers.length === 2) both.resolve();
      },
    },
  );
  for (const host of ["127.0.0.1", "::1"]) await connect({ host, port: listener.port }, { timeoutMs: 5_000 });
  await both.promise;
  expect(peers.sort()).toEqual(["127.0.0.1", "::1"]);
});

test("listen() names the place that is taken", async () => {
  const { port } = await listening({ host: "127.0.0.1", port: 0 });
  const fault = await faultOf(listen({ host: "127.0.0.1", port }, ignore));
  expect(fault.code).toBe("UNAVAILABLE");
  expect(fault.message).toContain(`Cannot listen on "127.0.0.1:${port}"`);
});

test("listen() with reusePort shares a port", async () => {
  const first = await listening({ host: "127.0.0.1", port: 0, reusePort: true });
  const second = await listening({ host: "127.0.0.1", port: first.port, reusePort: true });
  expect(second.port).toBe(first.port);
});

test("listen() on a path sets its mode and knows the peer's user", async () => {
  const path = join(folder(), "lmtp");
  const arrived = Promise.withResolvers<Connection>();
  await listening({ path, mode: 0o700 }, { onConnection: arrived.resolve });
  expect(statSync(path).mode & 0o777).toBe(0o700);
  const client = await connect({ path }, { timeoutMs: 5_000 });
  const server = await arrived.promise;
  expect(server.peerUserId).toBe(process.getuid?.() ?? -1);
  expect(server.remote).toEqual({ host: path, port: 0 });
  client.destroy();
  server.destroy();
});

test("listen() knows that an inherited descriptor is a unix socket", async () => {
  const path = join(folder(), "inherited");
  const listener = await listening({ path });
  const program = `
    const { listen } = await import(${JSON.stringify(join(import.meta.dir, "../../lib/net/listen.ts"))});
    const listener = await listen({ fd: 3 }, {
      onConnection(connection) {
        connection.write("user " + connection.peerUserId + "\\r\\n");
        connection.close();
        listener.stop();
      },
    });
    console.log("ready");
  `;
  const child = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "inherit", listener.fd] });
  cleanUp.push(() => child.kill());
  await child.stdout.getReader().read();
  const kept = `${path}.kept`;
  linkSync(path, kept); // stopping our listener removes its file
  listener.stop();
  const client = new RecordingReceiver(await connect({ path: kept }, { timeoutMs: 5_000 }));
  expect(await client.until("\r\n")).toBe(`user ${process.getuid?.()}\r\n`);
  await child.exited;
});

test("listen() replaces a socket file that nobody answers on, and no other", async () => {
  const path = join(folder(), "socket");
  const crashed = Bun.spawnSync([
    process.execPath,
    "-e",
    `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`,
  ]);
  expect(crashed.signalCode).toBe("SIGKILL");
  expect(statSync(path).isSocket()).toBe(true);
  await listening({ path });
  await faultOf(listen({ path }, ignore)); // now somebody answers
  const file = join(folder(), "file");
  writeFileSync(file, "keep me");
  await faultOf(listen({ path: file }, ignore));
  expect(statSync(file).size).toBe(7);
});

test("listen() adopts an inherited listening socket", async () => {
  const arrived = Promise.withResolvers<void>();
  const listener = await listening({ host: "127.0.0.1", port: 0 }, { onConnection: () => arrived.resolve() });
  const program = `
    const { listen } = await import(${JSON.stringify(join(import.meta.dir, "../../lib/net/listen.ts"))});
    const listener = await listen({ fd: 3 }, {
      onConnection(connection) {
        connection.write("hello from the child at " + connection.local.port + "\\r\\n");
        connection.close();
        listener.stop();
      },
    });
    console.log(listener.port);
  `;
  const child = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "inherit", listener.fd] });
  cleanUp.push(() => child.kill());
  const { value } = await child.stdout.getReader().read();
  expect(Number(new TextDecoder().decode(value))).toBe(listener.port);
  const { port } = listener;
  listener.stop();
  const client = new RecordingReceiver(await connect({ host: "127.0.0.1", port }, { timeoutMs: 5_000 }));
  expect(await client.until("\r\n")).toBe(`hello from the child at ${port}\r\n`);
  await client.untilClosed();
  await child.exited;
});

test("a client that has finished sending still gets its answers (printf … | nc)", async () => {
  const listener = await listening(
    { host: "127.0.0.1", port: 0 },
    {
      onConnection(connection) {
        let asked = "";
        connection.attach({
          receive: (bytes) => {
            asked += Buffer.from(bytes).toString("latin1");
          },
          ended: () => {
            setImmediate(() => {
              connection.write(`answer to ${asked}`);
              connection.close();
            });
          },
          closed() {},
        });
      },
    },
  );
  const answer = Promise.withResolvers<string>();
  const socket = netConnect({ host: "127.0.0.1", port: listener.port, allowHalfOpen: true });
  let heard = "";
  socket.on("data", (bytes) => {
    heard += bytes.toString("latin1");
  });
  socket.on("end", () => answer.resolve(heard));
  socket.end("question");
  expect(await answer.promise).toBe("answer to question");
});

test("connect() names the address and the cause", async () => {
  const { port, stop } = await listen({ host: "127.0.0.1", port: 0 }, ignore);
  stop();
  const refused = await faultOf(connect({ host: "127.0.0.1", port }, { timeoutMs: 5_000 }));
  expect(refused.code).toBe("UNAVAILABLE");
  expect(refused.message).toBe(`Cannot connect to "127.0.0.1:${port}": connection refused`);
  const missing = await faultOf(connect({ path: "/nonexistent/socket" }, { timeoutMs: 5_000 }));
  expect(missing.message).toBe('Cannot connect to "/nonexistent/socket": no such socket');
});

test("connect() gives up when its signal is aborted or its handshake gets no answer", async () => {
  const listener = await listening({ host: "127.0.0.1", port: 0 }, { onConnection() {} });
  const place = { host: "127.0.0.1", port: listener.port };
  const aborted = await faultOf(connect(place, { timeoutMs: 5_000, signal: AbortSignal.abort(new Error("stopping")) }));
  expect(aborted.message).toContain("stopping");
  const tls = {
    serverName: "localhost",
    authorities: undefined,
    verify: false,
    client: undefined,
    handshakeTimeoutMs: 10,
  };
  const silent = await faultOf(connect(place, { timeoutMs: 5_000, tls }));
  expect(silent.message).toContain("the TLS handshake timed out");
});

/** A datagram socket at `path`, as a service manager has it; gives the next datagram that waits there. */
function datagrams(path: string): () => string {
  const { symbols, close } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const unix = 1;
  const datagram = 2;
  const doNotWait = 0x40;
  const fd = symbols.socket(unix, datagram, 0);
  const address = Buffer.concat([Buffer.from([unix, 0]), Buffer.from(`${path}\0`)]);
  expect(symbols.bind(fd, ptr(address), address.length)).toBe(0);
  cleanUp.push(() => {
    symbols.close(fd);
    close();
  });
  return () => {
    const received = Buffer.alloc(1024);
    const size = Number(symbols.recv(fd, ptr(received), received.length, doNotWait));
    return size < 0 ? "nothing" : received.toString("latin1", 0, size);
  };
}

test("notify() reaches the service manager's socket, and nobody when there is none", () => {
  const path = join(folder(), "notify");
  const next = datagrams(path);
  expect(notify(path, ["READY=1", "STATUS=serving"])).toBe(true);
  expect(next()).toBe("READY=1\nSTATUS=serving");
  expect(notify(undefined, ["READY=1"])).toBe(false);
  expect(notify(join(folder(), "nobody"), ["READY=1"])).toBe(false);
});
