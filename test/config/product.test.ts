import { expect, test } from "bun:test";
import { greetingName, productName } from "../../lib/config/product.ts";

test.each([
  ["on", "iatlas 1.2", "mail.test iatlas 1.2 POP3", "mail.test iatlas 1.2"],
  ["min", "iatlas", "mail.test iatlas POP3", "mail.test iatlas"],
  ["off", "", "mail.test POP3", "mail.test"],
] as const)("serverinfo: %s calls us %j", (serverinfo, product, withProtocol, without) => {
  const config = { serverinfo, servername: "mail.test" };
  expect(productName(config, "1.2")).toBe(product);
  expect(greetingName(config, "1.2", "POP3")).toBe(withProtocol);
  expect(greetingName(config, "1.2")).toBe(without);
});
