// The parts of a new message that are octets of old ones (CATENATE, RFC 4469 §3), wherever those are. What cannot be had,
// for whatever reason, is a bad URL: nobody learns whether a mailbox exists that he may not read.

import { Bad, No } from "../../base/fault.ts";
import { Right } from "../../mailbox/acl.ts";
import type { Place, Remote } from "../../mailbox/place.ts";
import type { Uid } from "../../mailbox/store.ts";
import { SectionReader } from "../../message/section.ts";
import { formatAstring } from "../../wire/writer.ts";
import { localMail, rightsOf } from "../access.ts";
import { okOf } from "../plans/completion.ts";
import type { Session } from "../session.ts";
import { fetchOctets, type OctetTarget } from "./fetch-octets.ts";
import { formatMessageUrl, type MessageUrl, parseMessageUrl } from "./message-url.ts";

const pieceSize = 256 * 1024;

interface Located {
  readonly url: MessageUrl;
  readonly place: Place;
  /** As its server knows it. */
  readonly mailbox: string;
}

/** A connection of our own to another server: the client's has its mailbox selected. */
interface Reading {
  readonly remote: Remote;
  /** The mailbox selected on it, and its UIDVALIDITY. */
  mailbox: string | undefined;
  uidValidity: number | undefined;
}

export class UrlParts {
  readonly #session: Session;
  readonly #readings = new Map<string, Reading>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** The URL as that server understands it when the message is there; undefined when it is elsewhere. */
  async nameAt(text: string, server: string): Promise<string | undefined> {
    const { url, place, mailbox } = await this.#locate(text);
    return place.kind === "elsewhere" && place.server === server ? formatMessageUrl(url, mailbox) : undefined;
  }

  /** Gives the octets to the target. Throws No("BADURL …"). */
  async pour(text: string, target: OctetTarget): Promise<void> {
    const located = await this.#locate(text);
    const isThere =
      located.place.kind === "here"
        ? await this.#pourLocal(located, target)
        : await this.#pourRemote(located, located.place.server, target);
    if (!isThere) throw badUrl(text);
  }

  close(): void {
    for (const { remote } of this.#readings.values()) remote.close();
    this.#readings.clear();
  }

  async #locate(text: string): Promise<Located> {
    const url = parseMessageUrl(text);
    const { server, user, selection, namespace } = this.#session;
    if (!url || (url.server !== undefined && url.server !== server.config.servername.toLowerCase())) throw badUrl(text);
    if (url.user !== undefined && url.user !== user.user) throw badUrl(text);
    try {
      let { mailbox } = url;
      if (mailbox === undefined) {
        const entry = selection?.kind === "here" ? selection.local.entry(this.#session) : selection?.entry;
        if (!entry) throw badUrl(text);
        mailbox = namespace.toExternal(entry.name);
      }
      const place = await server.router.locate(namespace.toInternal(mailbox));
      if (!(rightsOf(this.#session, place.entry) & Right.read)) throw badUrl(text);
      return { url, place, mailbox };
    } catch (fault) {
      if (fault instanceof Bad || (fault instanceof No && fault.code !== "UNAVAILABLE")) throw badUrl(text);
      throw fault;
    }
  }

  async #pourLocal({ url, place }: Located, target: OctetTarget): Promise<boolean> {
    const { entry } = place;
    const mailbox = await localMail(this.#session).store.open(entry.uniqueId, entry.partition);
    try {
      if (url.uidValidity !== undefined && url.uidValidity !== mailbox.totals().uidValidity) return false;
      const body = mailbox.body(url.uid as Uid); // a UID by its grammar; whether there is such a message is asked here
      const content = body && new SectionReader(body).locate(url.section);
      if (!content) return false;
      const range = "bytes" in content ? { start: 0, end: content.bytes.length } : content;
      const start = Math.min(range.start + url.offset, range.end);
      const end = Math.min(start + (url.length ?? Number.MAX_SAFE_INTEGER), range.end);
      await target.begin(end - start, url.uid);
      for (let at = start; at < end; at += pieceSize) {
        const stop = Math.min(at + pieceSize, end);
        await target.write("bytes" in content ? content.bytes.subarray(at, stop) : body.read(at, stop));
      }
      return true;
    } catch (fault) {
      if (fault instanceof No && fault.code === "EXPUNGEISSUED") return false;
      throw fault;
    } finally {
      mailbox.release();
    }
  }

  async #pourRemote({ url, mailbox }: Located, server: string, target: OctetTarget): Promise<boolean> {
    const reading = await this.#select(server, mailbox);
    if (!reading || (url.uidValidity !== undefined && url.uidValidity !== reading.uidValidity)) return false;
    const partial = url.offset > 0 || url.length !== undefined ? `<${url.offset}.${url.length ?? 0xffff_ffff}>` : "";
    let isThere = false;
    await fetchOctets(
      reading.remote,
      `UID FETCH ${url.uid} (UID BODY.PEEK[${url.sectionText}]${partial})`,
      {
        begin: async (size, uid) => {
          isThere = true;
          await target.begin(size, uid);
        },
        write: (bytes) => target.write(bytes),
      },
      () => {},
    );
    return isThere;
  }

  /** Undefined when the other server will not open the mailbox. */
  async #select(server: string, mailbox: string): Promise<Reading | undefined> {
    let reading = this.#readings.get(server);
    if (!reading) {
      reading = { remote: await this.#session.links.apart(server), mailbox: undefined, uidValidity: undefined };
      this.#readings.set(server, reading);
    }
    if (reading.mailbox === mailbox) return reading;
    reading.mailbox = undefined;
    const answer = await reading.remote.command([`EXAMINE ${formatAstring(mailbox)}`]);
    if (answer.status === "NO" && !/^\[UNAVAILABLE\]/i.test(answer.text)) return undefined;
    okOf(answer);
    reading.mailbox = mailbox;
    for (const { frame } of answer.untagged) {
      const found = /^OK \[UIDVALIDITY (\d+)\]/i.exec(frame.texts[0] ?? "");
      if (found) reading.uidValidity = Number(found[1]);
    }
    return reading;
  }
}

/** RFC 4469 §4.2. */
export function badUrl(text: string): No {
  return new No(`BADURL "${cleanUrl(text)}"`, "Message could not be put together");
}

/** As it can stand in a response code. */
export function cleanUrl(text: string): string {
  return text.slice(0, 1000).replace(/[^\x20-\x7e]|["\\\]]/g, "?");
}
