import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { defaultConfig } from "../../lib/config/config.ts";
import { ConfigError } from "../../lib/config/config-error.ts";
import { readClientTls, readServerTls } from "../../lib/daemon/tls-files.ts";
import { type CertificateAuthority, createCertificateAuthority } from "../../lib/net/certificate-authority.ts";
import { startProcess } from "../support/process.ts";

const echo = join(import.meta.dir, "../fixtures/daemon/echo.ts");

let folder: string;
let authority: CertificateAuthority;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "iatlas-tls-"));
  authority = await createCertificateAuthority();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a certificate and gives the paths of its files. */
async function issue(file: string, ...names: string[]): Promise<{ cert: string; key: string }> {
  const pair = await authority.issueServer(names);
  const paths = { cert: join(folder, `${file}.pem`), key: join(folder, `${file}.key`) };
  writeFileSync(paths.cert, pair.certificate);
  writeFileSync(paths.key, pair.key);
  return paths;
}

/** Connects under TLS asking for a server name; gives the names of the certificate and the greeting. */
function handshake(port: number, servername: string): Promise<{ names: string; greeting: string; serial: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", servername, ca: authority.certificate });
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      const { subjectaltname, serialNumber } = socket.getPeerCertificate();
      resolve({ names: subjectaltname ?? "", greeting: bytes.toString("latin1"), serial: serialNumber });
      socket.destroy();
    });
  });
}

test("-s speaks TLS at once, chooses the certificate by name, and SIGHUP takes renewed ones", async () => {
  const first = await issue("first", "imap.example.org");
  const other = await issue("other", "mail.example.net");
  const config = join(folder, "imapd.conf");
  writeFileSync(
    config,
    `configdirectory: ${folder}\nlog_target: stderr\ntls_server_cert: ${first.cert}\ntls_server_key: ${first.key}\n` +
      `tls_sni_certs: ${other.cert}:${other.key}\n`,
  );
  await using child = startProcess(echo, ["-C", config, "-s", "--listen", "127.0.0.1:0"]);
  const port = Number(/addresses=(\d+)/.exec(await child.logged("ready addresses="))![1]);
  const before = await handshake(port, "imap.example.org");
  expect(before.greeting).toBe("hello imap  tls\r\n");
  expect(before.names).toBe("DNS:imap.example.org");
  expect((await handshake(port, "mail.example.net")).names).toBe("DNS:mail.example.net");

  await issue("first", "imap.example.org");
  child.kill("SIGHUP");
  await child.logged(": reloaded");
  const after = await handshake(port, "imap.example.org");
  expect(after.serial).not.toBe(before.serial);

  writeFileSync(first.cert, "rubbish");
  child.kill("SIGHUP");
  await child.logged("certificates not renewed");
  expect((await handshake(port, "imap.example.org")).serial).toBe(after.serial);
});

test("readServerTls() reads versions, ciphers and client authorities, and refuses what cannot work", async () => {
  const { cert, key } = await issue("server", "a.example.org");
  const ca = join(folder, "ca.pem");
  writeFileSync(ca, authority.certificate);
  const files = { tls_server_cert: cert, tls_server_key: key };
  expect(readServerTls(defaultConfig())).toBeUndefined();
  expect(readServerTls(defaultConfig({ ...files, tls_client_ca_file: ca, tls_versions: ["tls1_3"] }))).toMatchObject({
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: undefined,
    clientCertificates: "optional",
    handshakeTimeoutMs: 10_000,
  });
  expect(readServerTls(defaultConfig(files))).toMatchObject({ minVersion: "TLSv1.2", clientCertificates: "off" });
  const missing = defaultConfig({ tls_server_cert: join(folder, "nowhere.pem") });
  expect(() => readServerTls(missing)).toThrow(ConfigError);
  expect(() => readServerTls(defaultConfig({ ...files, tls_versions: ["tls1_0"] }))).toThrow(
    "neither tls1_2 nor tls1_3",
  );
});

test("readClientTls() takes the host's own certificate before the common one", async () => {
  const common = await issue("common", "frontend.example.org");
  const own = await issue("own", "frontend.example.org");
  const config = defaultConfig({
    tls_client_cert: common.cert,
    tls_client_key: common.key,
    proxy_tls: "verify",
    hostSettings: new Map([
      ["backend1_client_cert", own.cert],
      ["backend1_client_key", own.key],
    ]),
  });
  const first = readClientTls(config, "backend1.example.org:143");
  const second = readClientTls(config, "backend2.example.org");
  expect([first.serverName, first.verify]).toEqual(["backend1.example.org", true]);
  expect(first.client).toBeDefined();
  expect(second.client).toBeDefined();
  expect(first.client!.key).not.toBe(second.client!.key);
});
