import { z } from "zod";
import { imagePattern } from "./builder-schema.ts";
import { compileGlob } from "./glob.ts";
import type { RootsFeed } from "./policy.ts";
import { ageOf, maxAge, signerKey, signerOf, signingIdentity } from "./verifier-entry.ts";

/** Feeds of one policy, at most: each walk fetches all of them, and a server's policies are written by strangers too. */
export const MAX_FEEDS = 8;

/** Longest address of a feed, in UTF-16 units. */
const MAX_URL_LENGTH = 2048;

/** What feeds are for: images that attest nothing, and whose names only Docker gives away. */
const DEFAULT_IMAGES = ["docker.io/library/*"];

const feedUrl = z.string().superRefine((text, context) => {
  const url = text.length > MAX_URL_LENGTH ? null : URL.parse(text);
  const isLoopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  const isSafe = url !== null && (url.protocol === "https:" || (url.protocol === "http:" && isLoopback));
  if (!isSafe || url.username !== "" || url.password !== "" || url.hash !== "")
    context.addIssue({
      code: "custom",
      message: "https://HOST/PATH, without user and #; http to loopback hosts alone",
    });
});

/** An entry of `trust.roots-from`: whose feed may name roots, and for which image names. */
export const feedEntry = z
  .strictObject({
    url: feedUrl,
    key: signerKey.optional(),
    identity: signingIdentity.optional(),
    images: z.array(imagePattern).min(1).default(DEFAULT_IMAGES),
    "max-age": maxAge.optional(),
  })
  .superRefine(({ key, identity }, context) => {
    if ((key === undefined) === (identity === undefined))
      context.addIssue({ code: "custom", message: "exactly one of key and identity says who signs" });
  });

/** An entry that the schema has taken, as the walk compares with it. */
export function feedOf(entry: z.output<typeof feedEntry>, path: string): RootsFeed {
  const { url, images, "max-age": age } = entry;
  return {
    path,
    url: new URL(url).href,
    signer: signerOf(entry, path),
    images: images.map(compileGlob),
    maxAgeMs: age === undefined ? undefined : ageOf(age),
  };
}
