// Where things are in a partition: `<xx>/<uniqueid>/` for mailboxes (xx: the first two characters of the id), `stage/` for
// messages that are still coming in, `removed/` for folders on their way out.

import { join } from "node:path";
import type { UniqueId } from "../list.ts";

export interface Partition {
  readonly name: string;
  readonly folder: string;
}

export function mailboxFolder(partition: Partition, uniqueId: UniqueId): string {
  return join(partition.folder, uniqueId.slice(0, 2), uniqueId);
}

export function stageFolder(partition: Partition): string {
  return join(partition.folder, "stage");
}

export function removedFolder(partition: Partition): string {
  return join(partition.folder, "removed");
}

export function indexPath(folder: string): string {
  return `${folder}/index.db`;
}

/** As in a Cyrus spool. */
export function messagePath(folder: string, uid: number): string {
  return `${folder}/${uid}.`;
}

/** Where a file goes that has the name of a message not known to the index: nothing that may be mail is deleted. */
export function orphanPath(folder: string, uid: number): string {
  return `${folder}/${uid}.orphan`;
}

export function isUniqueId(name: string): name is UniqueId {
  return /^[0-9a-z][0-9a-z-]{3,63}$/.test(name);
}
