// What a session asks of the other servers of its murder as a whole. Implemented in lib/murder.

export interface OtherServers {
  /**
   * Whether all of them have one of these (upper case). Those that nothing is known of count as having it: nobody reaches
   * their mailboxes now, and each command asks for itself what its server can do.
   */
  allHave(oneOf: readonly string[]): boolean;
  /** Until more is known, but never long; undefined: everything is known that can be. */
  settled(): Promise<void> | undefined;
}
