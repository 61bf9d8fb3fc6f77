// Names a session in the logs of all servers that have to do with it.

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

/** Twelve letters and digits: enough to be unique in a murder's logs of a year. */
export function newSessionId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (octet) => alphabet[octet & 31]).join("");
}
