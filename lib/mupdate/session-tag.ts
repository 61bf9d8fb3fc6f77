// Tags of MUPDATE commands: a number, and the id of the client session that the command is for. A tag is any word to other
// servers; ours log the id, so that one search finds a CREATE in the logs of the frontend, the backend and the master.

/** What stands in a tag without being in anybody's way; other ids, which foreign frontends may make up, are left out. */
const plainId = /^[A-Za-z0-9._-]{1,64}$/;

export function formatTag(number: number, sessionId: string | undefined): string {
  return sessionId !== undefined && plainId.test(sessionId) ? `X${number}.${sessionId}` : `X${number}`;
}

/** Undefined in the tags of others, and of commands that no client caused. */
export function sessionOfTag(tag: string): string | undefined {
  const id = /^X\d+\.(.*)$/.exec(tag)?.[1];
  return id !== undefined && plainId.test(id) ? id : undefined;
}
