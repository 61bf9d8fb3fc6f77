import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCertificateAuthority } from "../../lib/net/certificate-authority.ts";
import { runToEnd } from "../support/command-line.ts";
import { root } from "../support/sources.ts";

test("createCertificateAuthority() signs certificates for names, addresses and clients", async () => {
  const authority = await createCertificateAuthority("test authority");
  const own = new X509Certificate(authority.certificate);
  const server = new X509Certificate((await authority.issueServer(["mail.test", "127.0.0.1"])).certificate);
  expect(own.ca).toBe(true);
  expect(server.verify(own.publicKey)).toBe(true);
  expect(server.checkHost("mail.test")).toBe("mail.test");
  expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
  const client = new X509Certificate((await authority.issueClient("proxy, of the lab", { days: -1 })).certificate);
  expect(client.subject).toBe("CN=proxy\\, of the lab");
  expect(client.validToDate.getTime()).toBeLessThan(Date.now());
});

test("createCertificateAuthority() works in a compiled program, with nothing loaded before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iatlas-authority-"));
  try {
    const source = join(folder, "issue.ts");
    const program = join(folder, "issue");
    writeFileSync(
      source,
      `import { createCertificateAuthority } from ${JSON.stringify(join(root, "lib/net/certificate-authority.ts"))};
       console.log((await createCertificateAuthority()).certificate.split("\\n")[0]);`,
    );
    const flags = ["--compile", "--minify", "--bytecode", "--format=esm"];
    await runToEnd(process.execPath, ["build", ...flags, source, "--outfile", program]);
    expect((await runToEnd(program, [])).stdout).toBe("-----BEGIN CERTIFICATE-----\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
