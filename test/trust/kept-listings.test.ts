import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "../../src/image/digest.ts";
import { parseReference, pin } from "../../src/image/reference.ts";
import { walkAncestry } from "../../src/trust/ancestry.ts";
import { imagePackages } from "../../src/trust/image-packages.ts";
import { keepListings } from "../../src/trust/kept-listings.ts";
import type { AttestationSource } from "../../src/trust/ports.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { judge } from "../../src/trust/verdict.ts";
import { AS_OF, bytesOf, policyOf, signerOf, statementOf, World } from "./world.ts";

const image = pin(parseReference("ghcr.io/acme/app"), digestOf(bytesOf("app")));

/** One attestation of so many bytes, and how often was asked for it. */
function source(size: number, failure?: CouldNotLook) {
  const asked = { lists: 0, reads: 0 };
  const digest = digestOf(bytesOf("bundle"));
  const attestations: AttestationSource = {
    listAttestations: async () => {
      asked.lists++;
      const read = async () => {
        asked.reads++;
        if (failure !== undefined) throw failure;
        return [{ kind: "bundle" as const, digest, json: {}, bytes: { length: size } as Uint8Array }];
      };
      return { candidates: [{ where: "there", read }], omitted: 0, failures: [] };
    },
  };
  return { asked, attestations };
}

async function readTwice({ attestations }: ReturnType<typeof source>): Promise<void> {
  const kept = keepListings(attestations);
  for (let i = 0; i < 2; i++) {
    const { candidates } = await kept.listAttestations(image);
    await Promise.allSettled(candidates.map(({ read }) => read()));
  }
}

test("attestations are listed and read once, and what couldn't be looked at isn't asked for again", async () => {
  for (const failure of [undefined, new CouldNotLook("timeout", "slow")]) {
    const given = source(1000, failure);
    await readTwice(given);
    assert.deepEqual(given.asked, { lists: 1, reads: 1 });
  }
});

test("what would fill the memory isn't kept, and read again by whoever asks", async () => {
  const given = source(2 ** 27);
  await readTwice(given);
  assert.deepEqual(given.asked, { lists: 1, reads: 2 });
});

test("looking for packages lists nothing that the walk listed", async () => {
  const world = new World();
  const built = world.build("app", { base: world.build("base") });
  world.sign(
    built.manifest,
    statementOf([built.manifest], "https://spdx.dev/Document", {
      spdxVersion: "SPDX-2.3",
      packages: [{ name: "musl" }],
    }),
    signerOf("app"),
  );
  const given = world.ports();
  const listed: string[] = [];
  const attestations = keepListings({
    listAttestations: (asked) => {
      listed.push(asked.digest);
      return given.attestations.listAttestations(asked);
    },
  });
  const ports = { ...given, attestations };
  const ancestry = await walkAncestry(ports, policyOf(), built.image, "every", AS_OF);
  const before = listed.length;
  const verdict = judge(ancestry, policyOf(), built.image, AS_OF);
  const subjects = verdict.nodes.filter(({ id }) => ancestry.subjects.includes(id));
  const [packages] = await imagePackages(ports, policyOf(), ancestry, subjects);
  assert.equal(packages?.sboms.length, 1);
  assert.deepEqual([listed.length, new Set(listed).size], [before, before]);
});
