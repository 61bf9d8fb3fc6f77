import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReloadableServerTls, readServerTls, type ServerTlsFiles } from "../../lib/net/server-tls.ts";
import { testCertificates } from "../support/certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "iatlas-tls-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { localhost, other, authority } = await testCertificates();

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function files(pairs: ServerTlsFiles["pairs"], clientAuthorities?: string): ServerTlsFiles {
  return {
    pairs,
    clientAuthorities,
    clientCertificates: "off",
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    ciphers: undefined,
    handshakeTimeoutMs: 1_000,
  };
}

const certificate = file("cert.pem", localhost.certificate);
const key = file("key.pem", localhost.key);

test("readServerTls() reads all pairs, also from one file, and the client authorities", () => {
  const joint = file("joint.pem", `${other.certificate}\n${other.key}\n`);
  const tls = readServerTls(
    files(
      [
        { certificate, key },
        { certificate: joint, key: joint },
      ],
      file("ca.pem", authority),
    ),
  );
  expect(tls.certificates.length).toBe(2);
  expect(tls.certificates[0]).toEqual(localhost);
  expect(tls.clientAuthorities).toBe(authority);
});

test("readServerTls() names the file that is missing, empty, or not the certificate's key", () => {
  const missing = join(folder, "missing.pem");
  expect(() => readServerTls(files([{ certificate: missing, key }]))).toThrow(`Cannot read "${missing}": no such file`);
  const empty = file("empty.pem", "");
  expect(() => readServerTls(files([{ certificate: empty, key }]))).toThrow(
    `Cannot use "${empty}": it holds no PEM certificate`,
  );
  const wrong = file("wrong.pem", other.key);
  expect(() => readServerTls(files([{ certificate, key: wrong }]))).toThrow(`Cannot use "${wrong}" as the key of`);
});

test("ReloadableServerTls keeps the certificates in use when the new files are unusable", () => {
  const path = file("live.pem", `${localhost.certificate}\n${localhost.key}\n`);
  const tls = new ReloadableServerTls(files([{ certificate: path, key: path }]));
  const before = tls.current;
  writeFileSync(path, "broken");
  expect(() => tls.reload()).toThrow(path);
  expect(tls.current).toBe(before);
  writeFileSync(path, `${other.certificate}\n${other.key}\n`);
  tls.reload();
  expect(tls.current.certificates[0]?.certificate).toContain(other.certificate);
});
