import { expect, test } from "bun:test";
import { Bad } from "../../lib/base/fault.ts";
import { NetworkList } from "../../lib/base/network-list.ts";

const list = new NetworkList(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"]);

test.each([
  ["10.255.0.1", true],
  ["11.0.0.1", false],
  ["192.0.2.7", true],
  ["192.0.2.8", false],
  ["2001:db8:1::5", true],
  ["2001:db9::5", false],
  ["::1", true],
  ["::2", false],
  ["2001:db8::1%eth0", true],
  ["/run/lmtp", false],
  ["", false],
])("NetworkList.includes(%p) is %p", (host, isIncluded) => {
  expect(list.includes(host)).toBe(isIncluded);
});

test.each(["", "10.0.0.0/33", "10.0.0.0/", "10/8", "::/129", "fe80::1%eth0", "balancer.example.org", "10.0.0.1/-1"])(
  "NetworkList refuses %p",
  (text) => {
    expect(() => new NetworkList([text])).toThrow(Bad);
  },
);

test("an empty NetworkList includes nobody, 0.0.0.0/0 every IPv4 address and no IPv6 one", () => {
  expect(new NetworkList([]).includes("127.0.0.1")).toBe(false);
  const all = new NetworkList(["0.0.0.0/0"]);
  expect([all.includes("8.8.8.8"), all.includes("::1")]).toEqual([true, false]);
});
