import assert from "node:assert/strict";
import { test } from "node:test";
import { createFeedShelf } from "../../src/app/feed-shelf.ts";
import { digestOf, hexOf } from "../../src/image/digest.ts";
import { parseTrustedRoot } from "../../src/sigstore/trusted-root.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import type { FeedRoot } from "../../src/trust/roots-feed.ts";
import { summariesOf } from "../../src/trust/summary.ts";
import { createInstance, form, fulcio, utf8 } from "../sigstore/instance.ts";
import {
  appOnUnsigned,
  FEED_URL,
  feedBytes,
  feedEntry,
  feedKey,
  judgeWith,
  newFeedKey,
  policyWithFeeds,
  rootFor,
  type Served,
  unserved,
} from "./feeds.ts";
import { AS_OF, bytesOf, commitOf, policyOf, signerOf, told, World } from "./world.ts";

const BUILDS = "version: 1\nbuilds: [{ image: ghcr.io/acme/base }]\n";
const NEVER_BUILT = digestOf(bytesOf("an image that nobody built"));

/** The verdict on an app on an unsigned base, where this is served of a feed that names the base, or in its place. */
async function toldWith(
  served: (base: FeedRoot) => Served,
  options: Parameters<typeof judgeWith>[3] = {},
): Promise<string> {
  const { world, base, app } = appOnUnsigned();
  return told(await judgeWith(world, app, served(rootFor(base)), options));
}

test("R27 an image that a feed names is a root, shown as such with who names it, where and when", async () => {
  assert.equal(await toldWith(() => unserved, { policy: policyOf() }), "untrusted unattested");
  const { world, base, app } = appOnUnsigned();
  const served = feedBytes([rootFor(base)]);
  const verdict = await judgeWith(world, app, served);
  assert.equal(told(verdict), "trusted");
  const node = verdict.nodes.find(({ digest }) => digest === base.manifest.digest);
  assert.deepEqual(node?.finding, {
    kind: "root",
    reason: `read its recipe (named by Acme platform team in ${FEED_URL}, issued 2026-11-20)`,
    expires: "2026-12-20",
    policyPath: "trust.roots-from[0]",
    feed: {
      url: FEED_URL,
      bundle: digestOf(served),
      digest: base.image.digest,
      issuer: "Acme platform team",
      issued: "2026-11-20T12:00:00.000Z",
      expires: "2026-12-20T12:00:00.000Z",
    },
  });
  assert.deepEqual([node?.level, node?.warnings], [0, []]);
  assert.equal(verdict.validUntil?.toISOString(), "2026-12-20T12:00:00.000Z");
});

test("R27 a feed names an image by its index, by its manifest, and by a manifest under an index that it names", async () => {
  const { world, base, app } = appOnUnsigned();
  const { digest } = base.manifest;
  for (const root of [rootFor(base, { digest }), rootFor(base, { digest: NEVER_BUILT, manifests: [digest] })])
    assert.equal(told(await judgeWith(world, app, feedBytes([root]))), "trusted");
  for (const algorithm of ["sha384", "sha512"] as const) {
    const other = rootFor(base, { digest: digestOf(world.bytes(base.image), algorithm) });
    assert.equal(told(await judgeWith(world, app, feedBytes([other]))), "trusted", algorithm);
  }
  assert.equal(
    told(await judgeWith(world, app, feedBytes([rootFor(base, { digest: NEVER_BUILT })]))),
    "untrusted unattested",
  );
});

/** What stands in place of the feed, and what then is told of the base. */
const unusable: Readonly<Record<string, readonly [said: string, served: (root: FeedRoot) => Served]>> = {
  "couldn't be fetched": ["undetermined feed-unread", () => unserved],
  "is larger than 8 MiB": [
    "undetermined feed-refused",
    (root) => Buffer.concat([feedBytes([root]), Buffer.alloc(8 * 1024 * 1024, " ")]),
  ],
  "is signed by another key": ["undetermined feed-refused", (root) => feedBytes([root], { by: newFeedKey() })],
  "was changed after it was signed": [
    "undetermined feed-refused",
    (root) => {
      const bundle = JSON.parse(Buffer.from(feedBytes([{ ...root, digest: NEVER_BUILT }])).toString());
      const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString();
      bundle.dsseEnvelope.payload = Buffer.from(payload.replaceAll(NEVER_BUILT, root.digest)).toString("base64");
      return bytesOf(bundle);
    },
  ],
  "is a page of a captive portal": ["undetermined feed-refused", () => bytesOf("<html>log in</html>")],
  "isn't signed at all": ["undetermined feed-refused", (root) => bytesOf({ version: 1, roots: [root] })],
  "has two signers to choose from": [
    "undetermined feed-refused",
    (root) => {
      const bundle = JSON.parse(Buffer.from(feedBytes([root])).toString());
      bundle.verificationMaterial.certificate = { rawBytes: "AAAA" };
      return bytesOf(bundle);
    },
  ],
  "is still to be issued": [
    "undetermined feed-refused",
    (root) => feedBytes([root], { issued: new Date("2026-11-21T12:06:00Z") }),
  ],
  "has expired": ["untrusted root-expired", (root) => feedBytes([root], { expires: AS_OF })],
};
test("R15 what isn't the signer's feed leaves open what it could have named, and a feed that is over names nothing", async () => {
  assert.equal(await toldWith((root) => feedBytes([root])), "trusted");
  for (const [what, [said, served]] of Object.entries(unusable)) assert.equal(await toldWith(served), said, what);
});

test("R15 a feed that could not be read decides only where it could have healed, and nothing else decides", async () => {
  const world = new World();
  const good = world.build("good", { layers: ["good"] });
  const fine = world.build("fine", { base: good });
  assert.equal(told(await judgeWith(world, fine, unserved)), "trusted");

  const elsewhere = policyWithFeeds([feedEntry({ images: ["docker.io/library/*"] })]);
  assert.equal(await toldWith(() => unserved, { policy: elsewhere }), "untrusted unattested");

  const { world: other, base } = appOnUnsigned();
  const app = other.build("both", { base, inputs: [other.build("lib", { signed: "nothing" })] });
  const policy = policyWithFeeds([feedEntry({ images: ["ghcr.io/acme/base"] })]);
  assert.equal(told(await judgeWith(other, app, unserved, { policy })), "untrusted feed-unread unattested");
});

test("R27 a feed heals no revocation and no contradiction, and an image that can be walked is walked", async () => {
  const { world, base, app } = appOnUnsigned();
  const named = feedBytes([rootFor(base), rootFor(app)]);
  const revoked = policyWithFeeds([feedEntry()], `  revoked: [{ digest: "${base.image.digest}", reason: leaked }]\n`);
  assert.equal(told(await judgeWith(world, app, named, { policy: revoked })), "untrusted revoked");

  const kinds = (await judgeWith(world, app, named)).nodes.map(({ finding }) => finding.kind);
  assert.deepEqual(kinds, ["attested", "root"]);

  const contradicted = world.build("contradicted", {
    by: signerOf("contradicted", { sourceRepositoryDigest: "d".repeat(40) }),
  });
  const onIt = world.build("top", { base: contradicted });
  assert.equal(told(await judgeWith(world, onIt, feedBytes([rootFor(contradicted)]))), "untrusted source-mismatch");
});

test("R27 a feed heals what is refused, and what is opaque for whatever reason", async () => {
  const world = new World();
  const refused = world.build("base", { by: signerOf("elsewhere") });
  const onRefused = world.build("app", { base: refused });
  assert.match(
    told(await judgeWith(world, onRefused, feedBytes([rootFor(refused, { digest: NEVER_BUILT })]))),
    /^untrusted/,
  );
  assert.equal(told(await judgeWith(world, onRefused, feedBytes([rootFor(refused)]))), "trusted");

  // Opaque for what went in beside images, and walked so far: what lies below it is asked for no longer.
  const local = world.build("local", { local: true, base: world.build("below", { signed: "nothing" }) });
  const onLocal = world.build("top", { base: local });
  const without = await judgeWith(world, onLocal, feedBytes([rootFor(local, { digest: NEVER_BUILT })]));
  assert.equal(told(without), "untrusted input-local unattested");
  const verdict = await judgeWith(world, onLocal, feedBytes([rootFor(local)]));
  assert.equal(told(verdict), "trusted");
  assert.deepEqual(
    verdict.nodes.map(({ finding }) => finding.kind),
    ["attested", "root"],
  );
});

test("R27 a feed speaks for no name but those that policy gives it, and for no look-alike of an image", async () => {
  for (const images of [["docker.io/library/*"], ["ghcr.io/acme/app"], ["ghcr.io/acme/bas"]])
    assert.equal(
      await toldWith((root) => feedBytes([root]), { policy: policyWithFeeds([feedEntry({ images })]) }),
      "untrusted unattested",
      String(images),
    );
  for (const image of ["ghcr.io/evil/base", "docker.io/acme/base", "ghcr.io/acme/base2"])
    assert.equal(await toldWith((root) => feedBytes([{ ...root, image }])), "untrusted unattested", image);
});

test("R27 a feed names an image in a mirror under the name that it is a mirror of, and under no other", async () => {
  const mirrors = `  mirrors: [{ images: "ghcr.io/acme/{name}", of: "docker.io/library/{name}" }]\n`;
  const policy = policyWithFeeds([feedEntry({ images: undefined })], mirrors);
  const { world, base } = appOnUnsigned();
  const said = async (image: string) =>
    told(await judgeWith(world, base, feedBytes([rootFor(base, { image })]), { policy }));
  assert.equal(await said("docker.io/library/base"), "trusted");
  assert.equal(await said("ghcr.io/acme/base"), "untrusted unattested");
});

test("R27 an entry that is over names nothing, and is told apart from none", async () => {
  assert.equal(await toldWith((root) => feedBytes([{ ...root, expires: "2026-11-21" }])), "trusted");
  assert.equal(await toldWith((root) => feedBytes([{ ...root, expires: "2026-11-20" }])), "untrusted root-expired");
});

test("R27 a feed is no older than policy's max-age, whatever it says itself", async () => {
  const policy = (age: string) => policyWithFeeds([feedEntry({ "max-age": age })]);
  assert.equal(await toldWith((root) => feedBytes([root]), { policy: policy("25h") }), "trusted");
  assert.equal(await toldWith((root) => feedBytes([root]), { policy: policy("24h") }), "untrusted root-expired");
});

test("R27 a feed whose signer policy revokes names nothing", async () => {
  const revoked = `  revoked: [{ identity: "${feedKey.publicKey.fingerprint}", reason: stolen }]\n`;
  const { world, base, app } = appOnUnsigned();
  const verdict = await judgeWith(world, app, feedBytes([rootFor(base)]), {
    policy: policyWithFeeds([feedEntry()], revoked),
  });
  assert.equal(told(verdict), "untrusted unattested");
  assert.match(verdict.nodes.flatMap(({ warnings }) => warnings).join(), /names no root: policy revokes its signer/);
});

test("R27 a feed by a certificate counts from the very name, issuer and source that policy says", async () => {
  const instance = createInstance();
  const trustedRoot = parseTrustedRoot(bytesOf(instance.trustedRoot), "test");
  const { world, base, app } = appOnUnsigned();
  const issuer = "https://accounts.example";
  const extensions = [form.usage, form.signing, form.san(form.email("roots@acme.example")), fulcio(8, utf8(issuer))];
  const payload = Buffer.from(
    JSON.parse(Buffer.from(feedBytes([rootFor(base)])).toString()).dsseEnvelope.payload,
    "base64",
  );
  const served = bytesOf(instance.bundle({ extensions, payload }));
  const said = async (identity: object) =>
    told(
      await judgeWith(world, app, served, {
        roots: [trustedRoot],
        policy: policyWithFeeds([feedEntry({ key: undefined, identity })]),
      }),
    );
  assert.equal(await said({ issuer, name: "roots@acme.example" }), "trusted");
  for (const other of [
    { issuer, name: "roots@acme.example.org" },
    { issuer: `${issuer}/`, name: "roots@acme.example" },
    { issuer, name: "roots@acme.example", source: "https://git.example/acme/roots" },
  ])
    assert.equal(await said(other), "undetermined feed-refused");
  const key = policyWithFeeds();
  assert.equal(
    told(await judgeWith(world, app, served, { roots: [trustedRoot], policy: key })),
    "undetermined feed-refused",
  );
});

test("R27 an older feed than one seen before is a replay: what was seen holds on, and no longer than it says", async () => {
  const shelf = createFeedShelf();
  const { world, base, app } = appOnUnsigned();
  const old = feedBytes([rootFor(base)], {
    issued: new Date("2026-11-10T00:00:00Z"),
    expires: new Date("2027-11-10T00:00:00Z"),
  });
  assert.equal(told(await judgeWith(world, app, old, { shelf })), "trusted");
  // The publisher takes the base back.
  const without = rootFor(base, { digest: NEVER_BUILT });
  const newer = feedBytes([without], {
    issued: new Date("2026-11-20T00:00:00Z"),
    expires: new Date("2026-11-25T00:00:00Z"),
  });
  assert.equal(told(await judgeWith(world, app, newer, { shelf })), "untrusted unattested");
  const replayed = await judgeWith(world, app, old, { shelf });
  assert.equal(told(replayed), "untrusted unattested");
  assert.match(
    replayed.nodes.flatMap(({ warnings }) => warnings).join(),
    /one of 2026-11-20T00:00:00.000Z has been seen/,
  );
  const later = await judgeWith(world, app, old, { shelf, asOf: new Date("2026-11-26T00:00:00Z") });
  assert.equal(told(later), "undetermined feed-refused");
});

test("R27 what one signer publishes doesn't make forgotten what another did at the same address", async () => {
  const shelf = createFeedShelf();
  const { world, base, app } = appOnUnsigned();
  const by = newFeedKey();
  const other = policyWithFeeds([feedEntry({ key: { pem: by.publicKey.pem } })]);
  const without = feedBytes([rootFor(base, { digest: NEVER_BUILT })]);
  const old = feedBytes([rootFor(base)], { issued: new Date("2026-11-10T00:00:00Z") });
  assert.equal(told(await judgeWith(world, app, without, { shelf })), "untrusted unattested");
  assert.equal(
    told(await judgeWith(world, app, feedBytes([rootFor(base)], { by }), { shelf, policy: other })),
    "trusted",
  );
  assert.equal(told(await judgeWith(world, app, old, { shelf })), "untrusted unattested");
});

test("R15 a feed that can't be fetched is taken as it was kept, and the answer says so", async () => {
  const shelf = createFeedShelf();
  const { world, base, app } = appOnUnsigned();
  await judgeWith(world, app, feedBytes([rootFor(base)]), { shelf });
  for (const served of [unserved, bytesOf("no feed"), feedBytes([rootFor(base)], { by: newFeedKey() })]) {
    const verdict = await judgeWith(world, app, served, { shelf });
    assert.equal(told(verdict), "trusted");
    const [warning = ""] = verdict.nodes.flatMap(({ warnings }) => warnings);
    assert.match(warning, /^trust\.roots-from\[0\] is taken as it was issued 2026-11-20T12:00:00\.000Z/);
    const asOf = new Date("2026-12-20T12:00:00Z");
    assert.equal((await judgeWith(world, app, served, { shelf, asOf })).outcome, "undetermined");
  }
  const other = policyWithFeeds([feedEntry({ key: { pem: newFeedKey().publicKey.pem } })]);
  assert.equal(told(await judgeWith(world, app, unserved, { shelf, policy: other })), "undetermined feed-unread");
});

test("R27 of several feeds one that names the image is enough, and one that can't be read hides no other", async () => {
  const { world, base, app } = appOnUnsigned();
  const other = newFeedKey();
  const both = policyWithFeeds([feedEntry({ key: { pem: other.publicKey.pem } }), feedEntry()]);
  const verdict = await judgeWith(world, app, feedBytes([rootFor(base)]), { policy: both });
  assert.equal(told(verdict), "trusted");
  assert.equal(
    told(await judgeWith(world, app, feedBytes([rootFor(base, { digest: NEVER_BUILT })]), { policy: both })),
    "undetermined feed-refused",
  );
});

test("R9 no feed stands for the run that was to build an image", async () => {
  const { world, base } = appOnUnsigned();
  const own = {
    server: "https://github.com",
    repositoryId: "99",
    ownerId: "1234",
    ref: "refs/tags/v1.0.0",
    commit: commitOf("base"),
    run: "1",
    attempt: "1",
  };
  assert.equal(told(await judgeWith(world, base, feedBytes([rootFor(base)]))), "trusted");
  assert.equal(told(await judgeWith(world, base, feedBytes([rootFor(base)]), { own })), "untrusted unattested");
  assert.equal(told(await judgeWith(world, base, unserved, { own })), "untrusted unattested");
});

test("R26 an image with tags of policy's making isn't what its tag says because a feed names it", async () => {
  const { world, base } = appOnUnsigned();
  const built = { ...policyWithFeeds(), builds: parsePolicy(bytesOf(BUILDS), "policy.yml").builds };
  const tagged = { ...base, image: { ...base.image, tag: "1.0.0" } };
  assert.equal(told(await judgeWith(world, tagged, feedBytes([rootFor(base)]))), "trusted");
  assert.equal(
    told(await judgeWith(world, tagged, feedBytes([rootFor(base)]), { policy: built })),
    "untrusted tag-mismatch",
  );
});

test("R25 an index around images that a feed names one by one isn't one that it names", async () => {
  const world = new World();
  const amd64 = world.build("base", { signed: "nothing" });
  const arm64 = world.build("base", { signed: "nothing", platform: "linux/arm64", label: "old" });
  const platform = (architecture: string) => ({ os: "linux", architecture });
  const index = world.index("base", [
    { image: amd64.manifest, platform: platform("amd64") },
    { image: arm64.manifest, platform: platform("arm64") },
  ]);
  const image = { ...amd64, image: index };
  const roots = [amd64, arm64].map((each) => rootFor(each, { digest: each.manifest.digest }));
  assert.equal(told(await judgeWith(world, image, feedBytes(roots))), "untrusted mixed-index");
  assert.equal(told(await judgeWith(world, image, feedBytes([rootFor(image)]))), "trusted");
  assert.equal(told(await judgeWith(world, image, feedBytes([...roots, rootFor(image)]))), "trusted");
});

test("R27 a root of a feed is warned of like others where it has a day of its own, and a feed within days of its end", async () => {
  const { world, base, app } = appOnUnsigned();
  const warnings = async (asOf: string, expires?: string) => {
    const verdict = await judgeWith(world, app, feedBytes([rootFor(base, { expires })]), { asOf: new Date(asOf) });
    return verdict.nodes.flatMap((node) => node.warnings);
  };
  assert.deepEqual(await warnings("2026-12-17T12:00:00Z"), []);
  assert.match((await warnings("2026-12-17T12:00:01Z")).join(), /^trust\.roots-from\[0\] lapses 2026-12-20T12/);
  assert.deepEqual(await warnings("2026-11-21T12:00:00Z", "2026-12-22"), []);
  assert.match((await warnings("2026-11-21T12:00:00Z", "2026-12-21")).join(), /lapses in 30 days/);
});

test("R28 our own summary of a verdict names the feed that it rests on", async () => {
  const { world, base, app } = appOnUnsigned();
  const served = feedBytes([rootFor(base)]);
  const verdict = await judgeWith(world, app, served);
  const author = { verifier: "https://verifier.example/1", version: {}, policyUri: "https://verifier.example/policy" };
  const [summary] = summariesOf(verdict, author);
  const { predicate } = JSON.parse(new TextDecoder().decode(summary?.statement));
  const feed = { uri: FEED_URL, digest: { sha256: hexOf(digestOf(served)) } };
  assert.deepEqual(
    predicate.inputAttestations.filter(({ uri }: { uri: string }) => uri === FEED_URL),
    [feed],
  );
});
