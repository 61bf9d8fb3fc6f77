// Character sets that TextDecoder lacks (RFC 2152, RFC 1843, RFC 1557 and two code pages of DOS), decoding only.

/** Decodes octets; what is not valid becomes something readable, never a fault. */
type Decode = (bytes: Uint8Array) => string;

// The upper halves of the code pages, 0x80 to 0xFF.
const cp437 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
const cp850 =
  "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u00ad±‗¾¶§÷¸°¨·¹³²■\u00a0";

export const legacyCharsets: Readonly<Record<string, Decode>> = {
  "utf-7": decodeUtf7Text,
  "unicode-1-1-utf-7": decodeUtf7Text,
  "hz-gb-2312": decodeHz,
  "iso-2022-kr": decodeIso2022Kr,
  cp437: (bytes) => decodePage(bytes, cp437),
  ibm437: (bytes) => decodePage(bytes, cp437),
  cp850: (bytes) => decodePage(bytes, cp850),
  ibm850: (bytes) => decodePage(bytes, cp850),
};

function decodePage(bytes: Uint8Array, upperHalf: string): string {
  let text = "";
  for (const octet of bytes) text += octet < 128 ? String.fromCharCode(octet) : upperHalf[octet - 128];
  return text;
}

/** RFC 2152: UTF-16 in base64 between "+" and "-" or any character that is not base64. */
function decodeUtf7Text(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("latin1");
  return text.replace(/\+([A-Za-z0-9+/]*)-?/g, (run, shifted: string) => {
    if (shifted === "") return run === "+-" ? "+" : run;
    const octets = Buffer.from(shifted, "base64");
    return octets
      .subarray(0, octets.length & ~1)
      .swap16()
      .toString("utf16le");
  });
}

/** RFC 1843: GB 2312 in seven bits between "~{" and "~}"; "~~" is a tilde, "~" before a line end nothing. */
function decodeHz(bytes: Uint8Array): string {
  const gbk = new TextDecoder("gbk");
  const text = Buffer.from(bytes).toString("latin1");
  return text.replace(/~(?:\{([^~]*)(?:~\})?|(~)|\r?\n)/g, (_, shifted?: string, tilde?: string) =>
    shifted === undefined ? (tilde ?? "") : gbk.decode(withHighBits(shifted)),
  );
}

/** RFC 1557: KS C 5601 in seven bits between SO and SI, announced by ESC $ ) C. */
function decodeIso2022Kr(bytes: Uint8Array): string {
  const eucKr = new TextDecoder("euc-kr");
  const text = Buffer.from(bytes).toString("latin1").replaceAll("\x1b$)C", "");
  return text.replace(/\x0e([^\x0f]*)\x0f?/g, (_, shifted: string) => eucKr.decode(withHighBits(shifted)));
}

/** Line ends stay: a line may end while shifted. */
function withHighBits(shifted: string): Uint8Array {
  return Uint8Array.from(shifted, (char) => (char > " " ? char.charCodeAt(0) | 0x80 : char.charCodeAt(0)));
}
