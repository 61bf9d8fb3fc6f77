// What servers' untagged responses say, read with plain patterns and not with the code under test.

import { createHash } from "node:crypto";
import type { ImapAnswer } from "../support/imap-wire.ts";
import type { Shown } from "./mailbox-model.ts";

/** All FETCH responses with UID, FLAGS, INTERNALDATE, RFC822.SIZE and the header or all of the message. */
export function shownBy(answer: ImapAnswer): Shown[] {
  const all: Shown[] = [];
  for (const response of answer.untagged) {
    if (!/^\d+ FETCH \(/.test(response) || !/INTERNALDATE/.test(response)) continue;
    all.push(readFetch(response));
  }
  return all;
}

function readFetch(response: string): Shown {
  const literal = /\{(\d+)\}\r\n/.exec(response);
  const from = literal ? literal.index + literal[0].length : response.length;
  const text = literal ? response.slice(from, from + Number(literal[1])) : "";
  const rest = literal ? response.slice(0, literal.index) + response.slice(from + text.length) : response;
  const isWhole = /BODY\[\]/.test(rest);
  return {
    uid: Number(/\bUID (\d+)/.exec(rest)?.[1]),
    flags: flagsIn(rest),
    id: /^Message-ID: *<([^>]*)>/im.exec(text)?.[1] ?? "",
    dateMs: dateIn(/INTERNALDATE "([^"]*)"/.exec(rest)?.[1] ?? ""),
    size: Number(/RFC822\.SIZE (\d+)/.exec(rest)?.[1]),
    ...(isWhole && { text, hash: createHash("sha1").update(text, "latin1").digest("hex") }),
  };
}

/** Those of a FETCH response, without \Recent. */
export function flagsIn(response: string): Set<string> {
  const words = /\bFLAGS \(([^)]*)\)/.exec(response)?.[1]?.split(" ") ?? [];
  return new Set(words.filter((word) => word !== "" && word !== "\\Recent"));
}

function dateIn(text: string): number {
  return Date.parse(text.trim().replace(/^(\d+)-(\w+)-(\d+) (\S+) (\S+)$/, "$1 $2 $3 $4 $5"));
}

export interface ListedName {
  readonly name: string;
  readonly attributes: readonly string[];
}

/** `word` is LIST or LSUB. */
export function listedBy(answer: ImapAnswer, word: "LIST" | "LSUB"): ListedName[] {
  return answer.untagged.flatMap((response) => {
    const [, theirs, attributes = "", name = ""] = /^(\S+) \(([^)]*)\) "\/" (.*)$/.exec(response) ?? [];
    if (theirs !== word) return [];
    return [{ name: name.replace(/^"(.*)"$/, "$1"), attributes: attributes.split(" ").filter(Boolean) }];
  });
}

/** Numbers by item. */
export function statusIn(answer: ImapAnswer): Record<string, number> {
  const items = answer.untagged.map((each) => /^STATUS .* \(([^)]*)\)$/.exec(each)?.[1]).find(Boolean) ?? "";
  const words = items.split(" ");
  return Object.fromEntries(words.flatMap((word, at) => (at % 2 === 0 ? [[word, Number(words[at + 1])]] : [])));
}

/** "2:4,7" as 2 3 4 7. */
export function numbersIn(set: string): number[] {
  return set.split(",").flatMap((part) => {
    const [from, to = from] = part.split(":").map(Number);
    return Array.from({ length: Math.abs(to! - from!) + 1 }, (_, at) => Math.min(from!, to!) + at);
  });
}

export function searchedBy(answer: ImapAnswer): number[] {
  const all = answer.untagged.filter((each) => /^SEARCH\b/.test(each)).flatMap((each) => each.split(" ").slice(1));
  return all
    .filter(Boolean)
    .map(Number)
    .sort((one, other) => one - other);
}

/** By identifier. */
export function aclIn(answer: ImapAnswer): Map<string, string> {
  const words = answer.untagged.find((each) => each.startsWith("ACL "))?.match(/"[^"]*"|\S+/g) ?? [];
  const pairs = new Map<string, string>();
  for (let at = 2; at + 1 < words.length; at += 2) pairs.set(words[at]!, words[at + 1]!);
  return pairs;
}

export function sortedRights(rights: Iterable<string>): string {
  return [...new Set(rights)].sort().join("");
}
