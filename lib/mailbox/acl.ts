// Access control lists (RFC 4314) as Cyrus writes them: "id TAB rights TAB id TAB rights TAB".

/** The stored text form. */
export type Acl = string & { readonly brand: "Acl" };
