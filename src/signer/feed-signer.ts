import { type RootsFeedDocument, writeRootsFeed } from "../trust/roots-feed.ts";
import { type KeyBundle, signStatement } from "./key-bundle.ts";
import type { SigningKey } from "./signing-key.ts";

/**
 * Signs a feed of roots as its publisher.
 *
 * @throws {RootsFeedError} where nobody could read it back.
 */
export function signFeed(document: RootsFeedDocument, key: SigningKey): KeyBundle {
  return signStatement(writeRootsFeed(document), key);
}
