import assert from "node:assert/strict";
import { test } from "node:test";
import type { PinnedImage } from "../../src/image/reference.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { combineSources } from "../../src/trust/attestation-sources.ts";
import { type AttestationCandidate, type AttestationSource, CouldNotLook } from "../../src/trust/ports.ts";
import { judge } from "../../src/trust/verdict.ts";
import { AS_OF, policyOf, SLSA1, signerOf, statementOf, told, World } from "./world.ts";

const candidate = (where: string): AttestationCandidate => ({ where, read: async () => [] });
const sourceOf = (name: string, count: number, omitted = 0): AttestationSource => ({
  listAttestations: async () => ({
    candidates: Array.from({ length: count }, (_, index) => candidate(`${name} ${index}`)),
    omitted,
    failures: [],
  }),
});
const down: AttestationSource = {
  listAttestations: async () => ({
    candidates: [],
    omitted: 0,
    failures: [new CouldNotLook("server-error", "asked GitHub for attestations: 503")],
  }),
};
const throwing: AttestationSource = {
  listAttestations: () => Promise.reject(new CouldNotLook("network", "asked GitHub: no connection")),
};
const image = new World().build("app").image;

/** Judges an image whose attestations are in the world's registry and in these places too. */
async function judged(world: World, subject: PinnedImage, ...more: readonly AttestationSource[]): Promise<string> {
  const own = world.ports();
  const ports = { ...own, attestations: combineSources([own.attestations, ...more]) };
  const policy = policyOf();
  return told(judge(await walkAncestry(ports, policy, subject, "every", AS_OF), policy, subject, AS_OF));
}

test("R15 several sources are one, in turn, and at most 200 candidates of them are listed", async () => {
  const two = await combineSources([sourceOf("a", 2, 3), sourceOf("b", 1)]).listAttestations(image);
  assert.deepEqual(
    two.candidates.map(({ where }) => where),
    ["a 0", "b 0", "a 1"],
  );
  assert.equal(two.omitted, 3);
  const junk = await combineSources([sourceOf("junk", 200, 300), sourceOf("good", 1)]).listAttestations(image);
  assert.equal(junk.candidates[1]?.where, "good 0");
  assert.deepEqual([junk.candidates.length, junk.omitted], [200, 301]);
});

test("R15 a source that can't be looked at is told, and hides no other", async () => {
  for (const source of [down, throwing]) {
    const { candidates, failures } = await combineSources([source, sourceOf("a", 1)]).listAttestations(image);
    assert.deepEqual([candidates.length, failures.length], [1, 1]);
  }
  const broken = { listAttestations: () => Promise.reject(new TypeError("a fault of ours")) };
  await assert.rejects(combineSources([broken, sourceOf("a", 1)]).listAttestations(image), TypeError);
});

test("R15 GitHub that doesn't answer is a finding only where the registry gave nothing that suffices", async () => {
  for (const source of [down, throwing]) {
    const world = new World();
    const built = world.build("app");
    assert.equal(await judged(world, built.image, source), "trusted");
    world.forget(built.manifest);
    world.forget(built.image);
    const [outcome] = (await judged(world, built.image, source)).split(" ");
    assert.equal(outcome, "undetermined");
    assert.equal(await judged(world, built.image), "untrusted unattested");
  }
});

test("R13 what GitHub answers about another subject doesn't count", async () => {
  const world = new World();
  const built = world.build("app", { signed: "nothing" });
  const other = world.build("app", { label: "other" });
  const elsewhere = new World();
  const asked: AttestationSource = {
    listAttestations: (about) => elsewhere.ports().attestations.listAttestations(about),
  };
  const about = (subject: PinnedImage) => statementOf([subject], SLSA1, built.provenance);
  const wrong = elsewhere.sign(built.manifest, about(other.manifest), signerOf("app"));
  world.verified.set(wrong.bundle, wrong);
  assert.equal(await judged(world, built.image, asked), "untrusted subject-mismatch");
  const right = elsewhere.sign(built.manifest, about(built.manifest), signerOf("app"));
  world.verified.set(right.bundle, right);
  assert.equal(await judged(world, built.image, asked), "trusted", "beside the wrong one");
});
