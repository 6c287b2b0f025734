import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { type Addition, addRoots, type FoundRoot } from "../../src/trust/feed-draft.ts";
import type { FeedDraft } from "../../src/trust/roots-feed.ts";
import { bytesOf } from "./world.ts";

const EMPTY: FeedDraft = { issuer: "Acme", roots: [] };
const DEBIAN = "docker.io/library/debian";
const found = (tag: string | undefined, build: string, image = DEBIAN): FoundRoot => ({
  image,
  tag,
  digest: digestOf(bytesOf(build)),
  manifests: [digestOf(bytesOf(`${build} amd64`))],
});
const addition = (changes: Partial<Addition> = {}): Addition => ({
  reason: "read its recipe",
  added: "2026-11-01",
  expires: undefined,
  replace: false,
  ...changes,
});
const shown = ({ roots }: FeedDraft) =>
  roots.map(({ image, tags, digest, reason, added, expires }) =>
    [image.split("/").at(-1), tags.join(","), digest.slice(7, 11), reason, added, expires ?? ""].join(" "),
  );
const short = (build: string) => digestOf(bytesOf(build)).slice(7, 11);

test("images are put into a draft by name, each with its platforms", () => {
  const draft = addRoots(EMPTY, [found("13", "a"), found("3", "b", "docker.io/library/alpine")], addition());
  assert.deepEqual(shown(draft), [
    `alpine 3 ${short("b")} read its recipe 2026-11-01 `,
    `debian 13 ${short("a")} read its recipe 2026-11-01 `,
  ]);
  assert.deepEqual(draft.roots[1]?.manifests, [digestOf(bytesOf("a amd64"))]);
  assert.equal(draft.issuer, "Acme");
});

test("an image that is in the draft gets the new reason and expiry, and keeps the day it was added", () => {
  const before = addRoots(EMPTY, [found("13", "a")], addition({ expires: "2027-01-01" }));
  const again = addRoots(before, [found("trixie", "a")], addition({ reason: "looked again", added: "2026-12-01" }));
  assert.deepEqual(shown(again), [`debian 13,trixie ${short("a")} looked again 2026-11-01 2027-01-01`]);
  const later = addRoots(again, [found("13", "a")], addition({ expires: "2028-01-01" }));
  assert.deepEqual(shown(later), [`debian trixie,13 ${short("a")} read its recipe 2026-11-01 2028-01-01`]);
});

test("older digests of a tag stay, unless they are to be replaced", () => {
  const before = addRoots(EMPTY, [found("13", "a"), found("12", "x"), found(undefined, "y")], addition());
  const next = [found("13", "b")];
  const digests = (draft: FeedDraft) => draft.roots.map(({ digest }) => digest.slice(7, 11));
  assert.deepEqual(digests(addRoots(before, next, addition())), ["a", "x", "y", "b"].map(short));
  assert.deepEqual(digests(addRoots(before, next, addition({ replace: true }))), ["x", "y", "b"].map(short));
  assert.deepEqual(
    digests(addRoots(before, [found(undefined, "z")], addition({ replace: true }))),
    ["a", "x", "z"].map(short),
  );
  const other = [found("13", "b", "docker.io/library/alpine")];
  assert.deepEqual(digests(addRoots(before, other, addition({ replace: true }))), ["b", "a", "x", "y"].map(short));
});

test("an image with another tag too loses the one that moved", () => {
  const before = addRoots(EMPTY, [found("13", "a"), found("13.1", "a")], addition());
  const after = addRoots(before, [found("13", "b")], addition({ replace: true }));
  assert.deepEqual(
    after.roots.map(({ tags }) => tags),
    [["13.1"], ["13"]],
  );
});
