import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { digestOf } from "../../src/image/digest.ts";
import type { PinnedImage } from "../../src/image/reference.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { type Built, bytesOf, graphOf, type Json, SIGN, SLSA1, signerOf, statementOf, told, World } from "./world.ts";

/** One image of a random ancestry; numbers choose among the images before it. */
interface Spec {
  readonly base: number | undefined;
  readonly inputs: readonly number[];
  readonly signed: "provenance" | "index" | "attestation-manifest" | "nothing";
  readonly version: "v1" | "v0.2";
  readonly hides: boolean;
}

const spec: fc.Arbitrary<Spec> = fc.record({
  base: fc.option(fc.nat(20), { nil: undefined }),
  inputs: fc.array(fc.nat(20), { maxLength: 3 }),
  signed: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("provenance", "index", "attestation-manifest") },
    { weight: 1, arbitrary: fc.constant("nothing") },
  ),
  version: fc.constantFrom("v1", "v0.2"),
  hides: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
});
const specs = fc.array(spec, { minLength: 1, maxLength: 7 });
const goodSpecs = specs.map((list) =>
  list.map((each): Spec => ({ ...each, hides: false, signed: each.signed === "nothing" ? "index" : each.signed })),
);

interface Family {
  readonly world: World;
  readonly built: readonly Built[];
  readonly last: Built;
}

/** Builds an ancestry; `shuffled` changes every order that means nothing. */
function family(list: readonly Spec[], shuffled = false): Family {
  const world = new World();
  const built: Built[] = [];
  const chosen = (numbers: readonly number[]) => numbers.flatMap((n) => built[n % Math.max(1, built.length)] ?? []);
  list.forEach(({ base, inputs, signed, version }, i) => {
    const [under] = chosen(base === undefined ? [] : [base]);
    const edit = (predicate: Json) => {
      const of = predicate as Record<string, Json> & {
        buildDefinition?: { resolvedDependencies: Json[] };
        materials?: Json[];
      };
      if (shuffled) (of.buildDefinition?.resolvedDependencies ?? of.materials)?.reverse();
    };
    const image = world.build(`i${i}`, {
      ...(under && { base: under }),
      inputs: [...new Set(chosen(inputs))],
      signed,
      version,
      edit,
    });
    built.push(shuffled ? reversed(world, image, signed) : image);
  });
  list.forEach(({ hides }, i) => {
    const hidden = built[i];
    if (hides && hidden) world.hide(hidden.image);
  });
  if (shuffled) world.arrange = (all) => [...all].reverse();
  const last = built.at(-1);
  assert.ok(last);
  return { world, built, last };
}

/** The image under an index whose entries stand the other way round. */
function reversed(world: World, image: Built, signed: Spec["signed"]): Built {
  const document = world.document(image.image) as { manifests: Json[] };
  const index = world.manifest(image.repo, { ...document, manifests: document.manifests.toReversed() });
  if (signed === "index") world.sign(index, statementOf([index], SIGN), signerOf(image.repo));
  return { ...image, image: index, index };
}

/** What the specs say the outcome is, worked out without the walk. */
function expected(list: readonly Spec[]): Verdict["outcome"] {
  const parents = list.map(({ base, inputs }, i) =>
    i === 0 ? [] : [...(base === undefined ? [] : [base]), ...inputs].map((n) => n % i),
  );
  const open = [list.length - 1];
  const seen = new Set<number>();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    if (!list[at]?.hides && list[at]?.signed !== "nothing") open.push(...(parents[at] ?? []));
  }
  const reached = [...seen].flatMap((i) => list[i] ?? []);
  if (reached.some(({ hides, signed }) => !hides && signed === "nothing")) return "untrusted";
  return reached.some(({ hides }) => hides) ? "undetermined" : "trusted";
}

test("the outcome is what the ancestry says, and its faults say the same", async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (list) => {
      const { world, last } = family(list);
      const verdict = await world.judge(last.image);
      assert.equal(verdict.outcome, expected(list));
      assert.equal(verdict.outcome === "untrusted", verdict.faults.length > 0);
      if (verdict.outcome === "trusted") assert.equal(verdict.unreachable.length, 0);
    }),
    { numRuns: 150 },
  );
});

test("the order of candidates, parents and entries changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(specs, async (list) => {
      const [one, other] = [family(list), family(list, true)];
      const [first, second] = [await one.world.judge(one.last.image), await other.world.judge(other.last.image)];
      assert.equal(told(first), told(second));
      if (first.outcome === "trusted") assert.deepEqual(graphOf(first), graphOf(second));
    }),
    { numRuns: 60 },
  );
});

/** Things that anyone can post. */
const junk: readonly ((world: World, on: PinnedImage, image: Built) => void)[] = [
  (world, on) => world.post(on, { kind: "malformed", reason: "junk" }),
  (world, on) => world.post(on, { kind: "bundle", digest: digestOf(bytesOf("junk")), json: {} }),
  (world, on) => world.postUnreadable(on, new BeyondLimit("too large")),
  (world, on, image) => world.sign(on, statementOf([image.manifest], SLSA1, {}), signerOf("stranger")),
  (world, on, image) =>
    world.sign(
      on,
      statementOf([image.manifest, image.image], SLSA1, { buildDefinition: { buildType: "x" } }),
      signerOf(image.repo, { runnerEnvironment: "self-hosted" }),
    ),
  (world, on, image) =>
    world.sign(on, statementOf([image.image], SIGN), signerOf(image.repo, { buildTrigger: "pull_request_target" })),
  (world, on, image) =>
    world.sign(
      on,
      statementOf([image.manifest], SLSA1, image.provenance),
      signerOf(image.repo, { sourceRepositoryRef: "refs/heads/main" }),
    ),
  (world, on, image) =>
    world.sign(on, statementOf([image.manifest], SLSA1, image.provenance), {
      kind: "key",
      fingerprint: image.manifest.digest,
    }),
  (world, on, image) =>
    world.sign(on, statementOf([image.manifest], "https://spdx.dev/Document", {}), signerOf(image.repo)),
  (world, on, image) =>
    world.sign(
      on,
      {
        ...(statementOf([image.manifest], SLSA1, image.provenance) as object),
        subject: [{ digest: { sha256: "0".repeat(64) } }],
      } as Json,
      signerOf(image.repo),
    ),
];

test("R17 evidence that isn't accepted changes neither outcome nor codes nor graph", async () => {
  const posts = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(2)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(specs, posts, async (list, added) => {
      const { world, built, last } = family(list);
      const before = await world.judge(last.image);
      for (const [which, what, where] of added) {
        const image = built[which % built.length];
        assert.ok(image);
        junk[what % junk.length]?.(
          world,
          [image.manifest, image.image, image.attestationManifest ?? image.image][where] ?? image.image,
          image,
        );
      }
      const after = await world.judge(last.image);
      assert.equal(after.outcome, before.outcome);
      // What nothing referred to is now refused: no better, and no worse.
      const plain = (verdict: Verdict) => graphOf(verdict).map((line) => line.replace(" refused ", " unattested "));
      assert.deepEqual(plain(after), plain(before));
      if (before.outcome !== "untrusted") assert.equal(told(after), told(before));
    }),
    { numRuns: 80 },
  );
});

test("where each image has one provenance, taking evidence away never makes an image trusted", async () => {
  await fc.assert(
    fc.asyncProperty(specs, fc.nat(), fc.nat(2), async (list, which, where) => {
      const { world, built, last } = family(list);
      const before = await world.judge(last.image);
      const image = built[which % built.length];
      assert.ok(image);
      world.forget([image.manifest, image.image, image.attestationManifest ?? image.image][where] ?? image.image);
      const after = await world.judge(last.image);
      if (before.outcome !== "trusted") assert.notEqual(after.outcome, "trusted");
    }),
    { numRuns: 80 },
  );
});

test("what is withheld or broken on the way never makes an image trusted that isn't, nor with another ancestry", async () => {
  const ways = [
    (world: World, key: string) => world.manifests.delete(key) || world.blobs.delete(key),
    (world: World, key: string) =>
      (world.manifests.has(key) ? world.manifests : world.blobs).set(key, new CouldNotLook("server-error", "no")),
    (world: World, key: string) =>
      (world.manifests.has(key) ? world.manifests : world.blobs).set(key, new BeyondLimit("too large")),
  ] as const;
  await fc.assert(
    fc.asyncProperty(specs, fc.nat(), fc.constantFrom(...ways), async (list, which, way) => {
      const { world, last } = family(list);
      const before = await world.judge(last.image);
      const keys = [...world.manifests.keys(), ...world.blobs.keys()];
      way(world, keys[which % keys.length] ?? "");
      const after = await world.judge(last.image);
      if (after.outcome !== "trusted") return;
      assert.equal(before.outcome, "trusted");
      assert.deepEqual(graphOf(after), graphOf(before));
    }),
    { numRuns: 150 },
  );
});

/** The documents of one image, none of which is signed itself but the index. */
const DOCUMENTS = ["config", "manifest", "statement", "attestationManifest", "index"] as const;

/** Changes one document and everything above it that names it by digest, and posts every old signature on the new digests. */
function forge(
  world: World,
  image: Built,
  which: (typeof DOCUMENTS)[number],
  change: (bytes: Uint8Array) => Uint8Array,
): PinnedImage {
  assert.ok(image.attestationManifest && image.index);
  const old = new Map<string, { readonly digest: string; readonly size: number }>();
  /** Replaces digest and size wherever a descriptor or subject names something that was changed. */
  const renamed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(renamed);
    if (typeof value !== "object" || value === null) return value;
    const copy: Record<string, unknown> = Object.fromEntries(
      Object.entries(value).map(([key, field]) => [key, renamed(field)]),
    );
    const now = typeof copy.digest === "string" ? old.get(copy.digest) : undefined;
    if (now !== undefined) Object.assign(copy, now);
    for (const [key, field] of Object.entries(copy)) {
      const by = typeof field === "string" ? (old.get(field) ?? old.get(`sha256:${field}`)) : undefined;
      if (by !== undefined && key !== "digest") copy[key] = key === "sha256" ? by.digest.slice(7) : by.digest;
    }
    return copy;
  };
  const again = (name: (typeof DOCUMENTS)[number], digest: string, bytes: Uint8Array): Uint8Array => {
    const above = old.size > 0 ? bytesOf(renamed(JSON.parse(Buffer.from(bytes).toString()))) : bytes;
    const after = name === which ? change(above) : above;
    if (!Buffer.from(after).equals(Buffer.from(bytes)))
      old.set(digest, { digest: digestOf(after), size: after.length });
    return after;
  };
  const blob = (name: (typeof DOCUMENTS)[number], digest: string): void => {
    const stored = world.blobs.get(digest);
    assert.ok(stored && !(stored instanceof Error));
    world.blob(again(name, digest, stored.bytes));
  };
  const manifest = (name: (typeof DOCUMENTS)[number], at: PinnedImage): PinnedImage => {
    const after = world.manifest(image.repo, again(name, at.digest, world.bytes(at)), "");
    world.candidates.set(`ghcr.io/acme/${image.repo}@${after.digest}`, posted);
    return after;
  };
  const places = [image.manifest, image.attestationManifest, image.index].map(
    ({ digest }) => `ghcr.io/acme/${image.repo}@${digest}`,
  );
  const posted = places.flatMap((place) => world.candidates.get(place) ?? []);
  const { config } = world.document(image.manifest) as { config: { digest: string } };
  const [layer] = (world.document(image.attestationManifest) as { layers: { digest: string }[] }).layers;
  assert.ok(layer);
  blob("config", config.digest);
  manifest("manifest", image.manifest);
  blob("statement", layer.digest);
  manifest("attestationManifest", image.attestationManifest);
  return manifest("index", image.index);
}

/** Changes one value somewhere in a JSON document. */
function mutated(bytes: Uint8Array, where: number, how: number): Uint8Array {
  const document = JSON.parse(Buffer.from(bytes).toString()) as Json;
  const places: [Record<string, Json>, string][] = [];
  const collect = (value: Json): void => {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, Json>, key]);
      collect((value as Record<string, Json>)[key] ?? null);
    }
  };
  collect(document);
  const [holder, key] = places[where % places.length] ?? [{}, ""];
  const value = holder[key] ?? null;
  if (how % 5 === 0 && Array.isArray(holder)) holder.splice(Number(key), 1);
  else if (how % 5 === 0) delete holder[key];
  else if (how % 5 === 1 && Array.isArray(holder)) holder.push(structuredClone(value));
  else if (how % 5 === 1) holder[`${key}x`] = value;
  else holder[key] = other(value, how % 5);
  return bytesOf(document);
}

/** Another value in the place of this one. */
function other(value: Json, how: number): Json {
  if (typeof value === "number") return value + how;
  if (typeof value === "boolean") return !value;
  if (Array.isArray(value)) return how === 2 ? [...value, ...value] : value.toReversed();
  if (typeof value !== "string") return {};
  if (how === 2) return `${value}x`;
  return how === 3
    ? value.replace(/[0-9a-f](?=[^0-9a-f]*$)/, (digit) => (digit === "0" ? "1" : "0"))
    : value.toUpperCase();
}

/** A forged image may be trusted only as far as it is what was signed: each of its images, with the same parents. */
async function holds(world: World, image: PinnedImage, before: Verdict): Promise<void> {
  const after = await world.judge(image);
  if (after.outcome !== "trusted") return;
  const known = new Set(graphOf(before));
  const foreign = graphOf(after).filter((line) => !known.has(line));
  assert.deepEqual(foreign, []);
}

test("no change of a value in an unsigned document makes another image trusted", async () => {
  await fc.assert(
    fc.asyncProperty(goodSpecs, fc.constantFrom(...DOCUMENTS), fc.nat(), fc.nat(), async (list, which, where, how) => {
      const { world, last } = family(list);
      const before = await world.judge(last.image);
      assert.equal(before.outcome, "trusted");
      await holds(
        world,
        forge(world, last, which, (bytes) => mutated(bytes, where, how)),
        before,
      );
    }),
    { numRuns: 300 },
  );
});

test("no change of a byte in an unsigned document makes another image trusted", async () => {
  await fc.assert(
    fc.asyncProperty(
      goodSpecs,
      fc.constantFrom(...DOCUMENTS),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      async (list, which, where, flip) => {
        const { world, last } = family(list);
        const before = await world.judge(last.image);
        const change = (bytes: Uint8Array) => bytes.map((byte, i) => (i === where % bytes.length ? byte ^ flip : byte));
        await holds(world, forge(world, last, which, change), before);
      },
    ),
    { numRuns: 150 },
  );
});

test("no changed digit of a digest in signed provenance leads to another ancestry that is trusted", async () => {
  await fc.assert(
    fc.asyncProperty(
      goodSpecs,
      fc.nat(),
      fc.nat(63),
      fc.constantFrom(SIGN, SLSA1),
      async (list, which, digit, type) => {
        const { world, last } = family(list.map((each): Spec => ({ ...each, version: "v1" })));
        const before = await world.judge(last.image);
        const text = JSON.stringify(last.provenance);
        const found = [...text.matchAll(/[0-9a-f]{64}|[0-9a-f]{40}/g)];
        const match = found[which % Math.max(1, found.length)];
        if (match === undefined) return;
        const at = match.index + (digit % match[0].length);
        const changed = JSON.parse(`${text.slice(0, at)}${text[at] === "0" ? "1" : "0"}${text.slice(at + 1)}`) as Json;
        for (const place of [last.manifest, last.image, last.attestationManifest ?? last.image]) world.forget(place);
        if (type === SLSA1)
          world.sign(last.manifest, statementOf([last.manifest], SLSA1, changed), signerOf(last.repo));
        else {
          const index = forge(world, last, "statement", (bytes) => {
            const statement = JSON.parse(Buffer.from(bytes).toString()) as Record<string, Json>;
            return bytesOf({ ...statement, predicate: changed });
          });
          world.sign(index, statementOf([index], SIGN), signerOf(last.repo));
          await holds(world, index, before);
        }
        await holds(world, last.image, before);
      },
    ),
    { numRuns: 150 },
  );
});
