// The demo's throw-away certificates: one authority in the folder, a certificate for each node. They last for weeks only and
// are made anew before they end.

import { X509Certificate } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCertificateAuthority } from "../../net/certificate-authority.ts";
import { type DemoPlan, demoHost } from "./plan.ts";

const renewBeforeMs = 2 * 86_400_000;

/** What clients have to trust. */
export function authorityPath(plan: DemoPlan): string {
  return join(plan.folder, "ca.pem");
}

export async function prepareCertificates(plan: DemoPlan, nowMs: number): Promise<void> {
  const files = plan.nodes.map((node) => join(node.folder, "cert.pem"));
  if ([authorityPath(plan), ...files].every((file) => isFresh(file, nowMs))) return;
  const authority = await createCertificateAuthority("iatlas demo");
  await Promise.all(
    plan.nodes.map(async (node) => {
      const pair = await authority.issueServer([node.name, "localhost", demoHost]);
      mkdirSync(node.folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(node.folder, "key.pem"), pair.key, { mode: 0o600 });
      writeFileSync(join(node.folder, "cert.pem"), pair.certificate);
    }),
  );
  // Last: an interrupted start finds no fresh authority and makes all again.
  writeFileSync(authorityPath(plan), authority.certificate);
}

function isFresh(file: string, nowMs: number): boolean {
  if (!existsSync(file)) return false;
  return new X509Certificate(readFileSync(file)).validToDate.getTime() - renewBeforeMs > nowMs;
}
