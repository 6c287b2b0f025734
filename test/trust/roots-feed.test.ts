import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStatement } from "../../src/attestation/statement.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { PolicyError } from "../../src/trust/policy-fault.ts";
import {
  MAX_FEED_ROOTS,
  parseFeedDraft,
  parseRootsFeed,
  RootsFeedError,
  writeFeedDraft,
  writeRootsFeed,
} from "../../src/trust/roots-feed.ts";
import { feedEntry, feedKey } from "./feeds.ts";
import { bytesOf, type Json, put } from "./world.ts";

const DIGEST = `sha256:${"1".repeat(64)}`;
const OTHER = `sha256:${"2".repeat(64)}`;
const draft = (): Json => ({
  version: 1,
  issuer: "Acme",
  roots: [
    {
      image: "docker.io/library/debian",
      tags: ["13"],
      digest: DIGEST,
      reason: "read its recipe",
      added: "2026-11-01",
      expires: "2027-01-01",
      manifests: [OTHER],
    },
  ],
});
const signed = (): Json => {
  const { issuer = "", roots } = parseFeedDraft(bytesOf(draft()));
  const [issued, expires] = [new Date("2026-11-20T12:00:00Z"), new Date("2026-12-20T12:00:00Z")];
  return JSON.parse(new TextDecoder().decode(writeRootsFeed({ issuer, issued, expires, roots })));
};
const read = (statement: Json) => parseRootsFeed(parseStatement(bytesOf(statement)));

test("a feed is read as it was written, and so is a draft", () => {
  const { roots, issued, expires, issuer } = read(signed());
  assert.deepEqual(roots, parseFeedDraft(bytesOf(draft())).roots);
  assert.deepEqual(
    [issuer, issued.toISOString(), expires.toISOString()],
    ["Acme", "2026-11-20T12:00:00.000Z", "2026-12-20T12:00:00.000Z"],
  );
  assert.deepEqual(JSON.parse(writeFeedDraft(parseFeedDraft(bytesOf(draft())))), draft());
});

/** What makes a feed none, each by one change of a good one. */
const wrong: Readonly<Record<string, readonly [path: string, value: Json | undefined]>> = {
  "another kind of statement": ["predicateType", "https://slsa.dev/provenance/v1"],
  "another version": ["predicate.version", 2],
  "no time of issue": ["predicate.issued", undefined],
  "no end": ["predicate.expires", undefined],
  "an end before its issue": ["predicate.expires", "2026-11-20T11:59:59Z"],
  "a time that there isn't": ["predicate.issued", "2026-11-31T12:00:00Z"],
  "a time in another form": ["predicate.issued", "2026-11-20T12:00:00+01:00"],
  "nobody as issuer": ["predicate.issuer", " "],
  "a field that could take a root back": ["predicate.roots.0.except", ["linux/arm64"]],
  "a field in another case": ["predicate.roots.0.Expires", "2099-01-01"],
  "no reason": ["predicate.roots.0.reason", ""],
  "a short name": ["predicate.roots.0.image", "debian"],
  "a name with a tag": ["predicate.roots.0.image", "docker.io/library/debian:13"],
  "a digest of another form": ["predicate.roots.0.digest", `SHA256:${"1".repeat(64)}`],
  "a day that there isn't": ["predicate.roots.0.expires", "2027-02-29"],
  "an image that isn't a subject": ["predicate.roots.0.digest", OTHER],
  "a subject that isn't an image": ["subject.1", { digest: { sha256: "3".repeat(64) } }],
  "a subject of two digests": ["subject.0.digest.sha512", "3".repeat(128)],
};
for (const [what, [path, value]] of Object.entries(wrong)) {
  test(`R23 what has ${what} is no feed`, () => {
    const document = signed();
    put(document, path, value);
    assert.throws(() => read(document), RootsFeedError);
  });
}

test("R23 an image stands once in a feed: two entries would be two reasons and two expiries", () => {
  const document = draft() as { roots: Json[] };
  document.roots.push({ ...(document.roots[0] as object), expires: "2099-01-01" });
  assert.throws(() => parseFeedDraft(bytesOf(document)), /stands twice/);
  const other = document.roots[1] as Record<string, Json>;
  other.image = "docker.io/library/alpine";
  assert.equal(parseFeedDraft(bytesOf(document)).roots.length, 2);
});

test("a feed of more images than any statement has subjects is refused before it is signed", () => {
  const { roots } = parseFeedDraft(bytesOf(draft()));
  const many = Array.from({ length: MAX_FEED_ROOTS + 1 }, (_, i) => ({
    ...roots[0]!,
    image: `docker.io/library/i${i}`,
  }));
  const dates = { issued: new Date("2026-11-20T12:00:00Z"), expires: new Date("2026-12-20T12:00:00Z") };
  assert.throws(() => writeRootsFeed({ issuer: "Acme", ...dates, roots: many }), RootsFeedError);
  assert.throws(() => writeRootsFeed({ issuer: "Acme", ...dates, roots: [] }), RootsFeedError);
});

test("a draft that isn't JSON in one reading is refused", () => {
  assert.throws(() => parseFeedDraft(bytesOf('{"version":1,"roots":[],"roots":[]}')), RootsFeedError);
  assert.throws(() => parseFeedDraft(bytesOf("roots: []")), RootsFeedError);
});

/** Entries of `trust.roots-from` that a policy can't have. */
const refused: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "over plain http": { url: "http://roots.example/feed.json" },
  "from a file": { url: "file:///etc/feed.json" },
  "with a password in its address": { url: "https://me:secret@roots.example/feed.json" },
  "without an address": { url: undefined },
  "without a signer": { key: undefined },
  "with two signers": { identity: { issuer: "https://accounts.google.com", name: "roots@acme.example" } },
  "with half a key": { key: { pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----" } },
  "for short names": { images: ["debian"] },
  "for no names": { images: [] },
  "of any age": { "max-age": "forever" },
  "signed by whoever calls a workflow": {
    key: undefined,
    identity: {
      issuer: "https://token.actions.githubusercontent.com",
      name: "https://github.com/acme/roots/.github/workflows/publish.yml@refs/heads/main",
    },
  },
};
const policyOf = (entry: string) =>
  parsePolicy(bytesOf(`version: 1\ntrust: { roots-from: [${entry}] }\n`), "policy.yml");
for (const [what, changes] of Object.entries(refused)) {
  test(`a policy takes up no feed ${what}`, () => {
    assert.equal(policyOf(feedEntry()).rootsFrom.length, 1);
    assert.throws(() => policyOf(feedEntry(changes)), PolicyError);
  });
}

test("a policy takes up a few feeds and not any number: each walk fetches them all", () => {
  const policy = (count: number) => policyOf(Array.from({ length: count }, () => feedEntry()).join(", "));
  assert.equal(policy(8).rootsFrom.length, 8);
  assert.throws(() => policy(9), PolicyError);
});

test("a feed speaks for Docker's official images alone where policy doesn't say for which", () => {
  const [feed] = policyOf(feedEntry({ images: undefined })).rootsFrom;
  const speaksFor = (name: string) => feed?.images.some((pattern) => pattern.match(name) !== undefined);
  assert.deepEqual(
    ["docker.io/library/debian", "docker.io/evil/debian", "docker.io/library/x/debian", "ghcr.io/library/debian"].map(
      speaksFor,
    ),
    [true, false, false, false],
  );
  assert.deepEqual(feed?.signer.kind === "key" && feed.signer.key.fingerprint, feedKey.publicKey.fingerprint);
});
