// Mailbox names. Inside, one form: "." separates levels, "user.bovik.Lists", with virtual domains
// "example.org!user.bovik", a dot within a level is "^", characters outside ASCII are modified UTF-7 (RFC 3501 §5.1.3).
// Outside, what clients see depends on the namespace options: see namespace.ts.

/** Internal form, valid. */
export type MailboxName = string & { readonly brand: "MailboxName" };

/** The form of one client: INBOX, altnamespace, its hierarchy separator. As on the wire: modified UTF-7. */
export type ExternalName = string & { readonly brand: "ExternalName" };
