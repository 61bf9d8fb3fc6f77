import { expect, test } from "bun:test";
import fc from "fast-check";
import { appendUidCode, copyUidCode, readAppendUid } from "../../../lib/imap/append/appended-uids.ts";

test("UIDs are told in the order of the messages (RFC 4315 §3)", () => {
  expect(appendUidCode({ uidValidity: 7, uids: [5, 6, 7, 3, 4, 9] })).toBe("APPENDUID 7 5:7,3:4,9");
  expect(copyUidCode(7, [1, 2, 3], [9, 3, 10])).toBe("COPYUID 7 1:3 9,3,10");
});

test("readAppendUid() reads what appendUidCode() writes", () => {
  const uids = fc.array(fc.integer({ min: 1, max: 0xffff_fffe }), { minLength: 1 });
  fc.assert(
    fc.property(uids, (uids) => {
      expect(readAppendUid(`[${appendUidCode({ uidValidity: 9, uids })}] Done`)).toEqual({ uidValidity: 9, uids });
    }),
  );
});

test.each(["Done", "[COPYUID 1 1 1]", "[APPENDUID 1]", "[APPENDUID 1 1:4000000000] x", "[APPENDUID 1 x] y"])(
  "readAppendUid(%j) is nothing",
  (text) => {
    expect(readAppendUid(text)).toBeUndefined();
  },
);
