// Addresses and networks as administrators write them (192.0.2.7, 10.0.0.0/8, 2001:db8::/32), and whether a peer is in one.

import { BlockList, isIP } from "node:net";
import { Bad } from "./fault.ts";

export class NetworkList {
  readonly #networks = new BlockList();

  /** Throws Bad for what is neither an address nor a network. */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const { address, prefix, family } = parseNetwork(text);
      this.#networks.addSubnet(address, prefix, family);
    }
  }

  /** False for what is no address, such as the path of a unix socket. */
  includes(host: string): boolean {
    const address = host.replace(/%.*$/, "");
    const version = isIP(address);
    return version !== 0 && this.#networks.check(address, version === 4 ? "ipv4" : "ipv6");
  }
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: "ipv4" | "ipv6";
}

function parseNetwork(text: string): Network {
  const [, address = "", bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  // A zone ("fe80::1%eth0") belongs to one machine's interfaces, not to a network.
  if (version === 0 || prefix > most || address.includes("%")) {
    throw new Bad(`"${text}" is neither an address nor a network such as 10.0.0.0/8`);
  }
  return { address, prefix, family: version === 4 ? "ipv4" : "ipv6" };
}
