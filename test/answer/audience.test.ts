import assert from "node:assert/strict";
import { test } from "node:test";
import type { Audience } from "../../src/answer/answer.ts";
import { audienceOf } from "../../src/answer/audience.ts";
import type { Repository } from "../../src/build/build.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import type { Verdict } from "../../src/trust/verdict.ts";
import { signerOf, World } from "../trust/world.ts";

const server = "https://github.com";
const PRIVATE: Repository = { id: 7, ownerId: 1, owner: "acme", name: "app", installation: 3, isPrivate: true };
const READERS_OF_7: Audience = { kind: "readers", repositoryIds: ["7"] };

/** The verdict on an image whose certificate names its repository in this way. */
async function verdictOn(number: string | undefined, uri = `${server}/acme/app`): Promise<Verdict> {
  const world = new World();
  const verdict = await world.judge(world.build("app").image);
  const { sourceRepositoryIdentifier: _, ...others } = signerOf("app", { sourceRepositoryUri: uri }).extensions;
  const extensions = { ...others, ...(number !== undefined && { sourceRepositoryIdentifier: number }) };
  const identity = { ...signerOf("app"), extensions };
  const nodes = verdict.nodes.map((node) => ({
    ...node,
    accepted: node.accepted.map((accepted) => ({ ...accepted, identity })),
  }));
  return { ...verdict, nodes };
}

const told = (verdict: Verdict, isPublic: () => boolean, walkedFor?: Repository): Promise<Audience> =>
  audienceOf({ server, visibility: { isPublic: async () => isPublic() } }, verdict, walkedFor);

test("everyone is told of what everyone may read, and readers of the rest", async () => {
  assert.deepEqual(await told(await verdictOn("7"), () => true), { kind: "everyone" });
  assert.deepEqual(await told(await verdictOn("7"), () => false), READERS_OF_7);
  assert.deepEqual(await told(await verdictOn("7"), () => true, PRIVATE), READERS_OF_7);
});

test("R6 R8 of a repository that a certificate names without its number nobody is told unless it is public", async () => {
  const verdict = await verdictOn(undefined);
  assert.deepEqual(await told(verdict, () => true), { kind: "everyone" });
  assert.deepEqual(await told(verdict, () => false), { kind: "readers", repositoryIds: [] });
  assert.deepEqual(await told(verdict, () => false, PRIVATE), { kind: "readers", repositoryIds: [] });
  const unknown = () => {
    throw new CouldNotLook("network", "GitHub doesn't answer");
  };
  await assert.rejects(told(verdict, unknown), CouldNotLook);
});

test("another server's repositories are no business of this one's", async () => {
  assert.deepEqual(await told(await verdictOn("7", "https://github.com.example/acme/app"), () => false), {
    kind: "everyone",
  });
});
