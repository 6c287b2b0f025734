import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { openStore } from "../../src/store/store.ts";

/** What the tables of an empty database come from. */
const MADE_BY = ["src/store/migrations.ts", "src/store/queue.ts", "package-lock.json"];

/**
 * The directory of an empty database, to be copied: making one from nothing takes many seconds, and most tests of the server aren't
 * about that. It is made once on a machine, under a name that changes with what it is made by.
 */
export async function preparedData(): Promise<string> {
  const key = hexOf(digestOf(Buffer.concat(MADE_BY.map((path) => readFileSync(path))))).slice(0, 16);
  const path = join(tmpdir(), `trusted-builds-database-${userInfo().uid}-${key}`);
  if (existsSync(path)) return path;
  const made = await mkdtemp(`${path}.new-`);
  await (await openStore({ kind: "directory", path: made, process }, { serialise: () => ({}) })).close();
  // Of several that make it at once, one is first.
  await rename(made, path).catch(() => rm(made, { recursive: true, force: true }));
  return path;
}
