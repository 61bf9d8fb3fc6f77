// What a connection is good for, by its TLS and the options allowplaintext and tls_required.

import { expect, test } from "bun:test";
import { isLoginAllowed, isPlaintextAllowed, mechanismsFor, type Peer } from "../../lib/sasl/login-policy.ts";
import { serverContext } from "../support/sasl-exchange.ts";

const inTheClear: Peer = { tls: undefined, peerUserId: undefined };
const underTls: Peer = { tls: { peerCertificate: undefined, exporter: undefined }, peerUserId: undefined };
const onUnixSocket: Peer = { tls: undefined, peerUserId: 1000 };

test.each([
  ["in the clear", inTheClear, false, false, true, false],
  ["in the clear with allowplaintext", inTheClear, true, false, true, true],
  ["in the clear with tls_required", inTheClear, false, true, false, false],
  ["in the clear with both", inTheClear, true, true, false, false],
  ["under TLS with tls_required", underTls, false, true, true, true],
  ["under TLS", underTls, false, false, true, true],
  ["on a unix socket with tls_required", onUnixSocket, false, true, true, true],
] as const)("%s", (_where, peer, allowplaintext, tls_required, mayLogIn, mayPlain) => {
  const settings = { allowplaintext, tls_required, sasl_mech_list: [] };
  const context = serverContext({ checkPassword: async () => "wrong" });
  const isSecure = peer.tls !== undefined;
  expect(isLoginAllowed(peer, settings)).toBe(mayLogIn);
  expect(isPlaintextAllowed(peer, settings)).toBe(mayPlain);
  const names = mechanismsFor(peer, settings, { ...context, isSecure }).map((each) => each.name);
  expect(names.includes("PLAIN")).toBe(mayPlain);
  if (!mayLogIn) expect(names).toEqual([]);
});
