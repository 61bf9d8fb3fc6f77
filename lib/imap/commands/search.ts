// SEARCH and UID SEARCH (RFC 3501 §6.4.4).

import { readSearch } from "../parse/search.ts";
import { toSelected } from "../pass-on.ts";
import type { Row } from "../row.ts";
import { row, selected } from "../row.ts";
import { search } from "../search/evaluate.ts";
import type { SearchKey } from "../search/key.ts";
import { localSelection } from "../selected.ts";

export const searchRow = makeRow(false);
export const uidSearchRow = makeRow(true);

function makeRow(isUid: boolean): Row {
  return row<SearchKey>({
    state: "selected",
    ...(isUid ? {} : { usesSequenceNumbers: true }),
    args: readSearch,
    at: selected,
    passesTo: toSelected,
    async run(session, key) {
      const selection = localSelection(session);
      const found = await search(session, selection, key);
      const numbers = found.map((index) => (isUid ? selection.uidAt(index) : index + 1));
      session.untagged(["SEARCH", ...numbers].join(" "));
      return undefined;
    },
  });
}
