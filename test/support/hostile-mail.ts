// Messages that nobody means well with, for property tests: the words of MIME in any order.

import fc from "fast-check";

const pieces = [
  "Content-Type: multipart/mixed; boundary=b\r\n",
  "Content-Type: multipart/digest; boundary=bb\r\n",
  'Content-Type: multipart/alternative; boundary="b"\n',
  "Content-Type: message/rfc822\r\n",
  "Content-Type: text/html; charset*0=u; charset*1*=x'\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  'Content-Disposition: attachment; filename="a\\"\r\n',
  "From: a@b, (c <d@e>: ;,\r\n",
  'To: "x\\" <@r:y@z> =?q?q?,?=;\r\n',
  'Subject: \xe9\0"\\\r\n',
  "--b\r\n",
  "--b--\r\n",
  "--bb\r\n",
  "--bb--",
  "--",
  "\r\n",
  "\n",
  "\r",
  " ",
  ":",
  "text\r\n",
];

export const hostileMail: fc.Arbitrary<Uint8Array> = fc
  .array(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: fc.string() }), {
    maxLength: 40,
  })
  .map((chosen) => Buffer.from(chosen.join(""), "latin1"));
