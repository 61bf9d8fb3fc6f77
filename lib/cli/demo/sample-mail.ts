// The mail that is in the demo's mailboxes from the start: a few words of welcome, with something for MIME and charsets.

export interface SampleMail {
  /** As LMTP has them: a user, or +folder for a shared one. */
  readonly recipients: readonly string[];
  readonly text: string;
}

const everyone = ["ann", "bob", "carl", "dora"] as const;

export function sampleMail(nowMs: number): readonly SampleMail[] {
  return [
    { recipients: everyone, text: welcome(nowMs) },
    { recipients: ["ann", "dora"], text: mixed(nowMs) },
    { recipients: ["+bulletin"], text: bulletin(nowMs) },
  ];
}

function header(nowMs: number, id: string, from: string, to: string, subject: string): string[] {
  return [
    `Date: ${new Date(nowMs).toUTCString().replace("GMT", "+0000")}`,
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Message-ID: <${id}.${nowMs}@demo.invalid>`,
    "MIME-Version: 1.0",
  ];
}

function lines(...parts: readonly (string | readonly string[])[]): string {
  return `${parts.flat().join("\r\n")}\r\n`;
}

function welcome(nowMs: number): string {
  return lines(
    header(nowMs, "welcome", "The demo <cyrus@demo.invalid>", "all users: ;", "Welcome to the murder"),
    "Content-Type: text/plain; charset=utf-8",
    "",
    "This message came in through a frontend, which looked up where your INBOX",
    "is and handed it to that backend.",
    "",
    "You read it through a frontend as well, either of the two: they show the",
    "same mailboxes. ann and bob live on backend1, carl and dora on backend2.",
    "The shared folder is on backend2, and everybody sees it.",
  );
}

function mixed(nowMs: number): string {
  const subject = "=?utf-8?Q?Gr=C3=BC=C3=9Fe_mit_Anhang?=";
  return lines(
    header(nowMs, "parts", "Bob <bob@demo.invalid>", "ann@demo.invalid, dora@demo.invalid", subject),
    'Content-Type: multipart/mixed; boundary="frontier"',
    "",
    "--frontier",
    "Content-Type: text/plain; charset=iso-8859-1",
    "Content-Transfer-Encoding: quoted-printable",
    "",
    "Sch=F6ne Gr=FC=DFe, and a file.",
    "--frontier",
    'Content-Type: application/octet-stream; name="dot.gif"',
    'Content-Disposition: attachment; filename="dot.gif"',
    "Content-Transfer-Encoding: base64",
    "",
    "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7",
    "--frontier--",
  );
}

function bulletin(nowMs: number): string {
  return lines(
    header(nowMs, "bulletin", "Dora <dora@demo.invalid>", "bulletin@demo.invalid", "Everybody reads this"),
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "One copy, on one server, for all.",
  );
}
