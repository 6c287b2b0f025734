import assert from "node:assert/strict";
import { test } from "node:test";
import type { Build, Repository } from "../../src/build/build.ts";
import { pin } from "../../src/image/reference.ts";
import type { Outcome } from "../../src/trust/verdict.ts";
import { verdict } from "../report/verdicts.ts";
import { digest, later, newImage } from "./answer-fixture.ts";
import { newBuild, newRepository, policyText, pushOf } from "./build-fixture.ts";
import type { SharedStore } from "./places.ts";

export function testOwnerVerdicts(shared: SharedStore): void {
  test("R3 what owners' policies say of a digest is told of public repositories as they are now, of each the newest", async (t) => {
    const scene = await shared(t);
    if (!scene) return;
    const { store } = scene;
    const image = newImage("v1");
    const name = `${image.registry}/${image.repository}`;
    const judge = async (repository: Repository, outcome: Outcome, hour: number, of = image.digest) => {
      const made = newBuild(repository, {
        key: { image: name, generation: hour, ref: `refs/tags/v${hour}` },
        createdAt: later(hour),
      });
      await store.recordPush(pushOf([made]));
      const build = (await store.readBuild(made.id)) as Build;
      const judgements = (["repository", "organisation"] as const).map((kind) => {
        const { bytes: _, ...policy } = policyText(kind, "");
        // Without a word of the organisation's policy among them, though it is the later one.
        const asOf = later(kind === "repository" ? hour : hour + 0.5);
        const says = kind === "repository" ? outcome : "untrusted";
        return { policy, verdict: verdict([], { outcome: says, asOf, image: pin(image, of) }) };
      });
      await store.saveJudgements(
        {
          ...build,
          phase: "settled",
          outcome: {
            kind: "verdict",
            verdict: "trusted",
            enforced: [
              { policy: "organisation", mode: "strict", conclusion: "failure", reason: "" },
              { policy: "repository", mode: "report", conclusion: "success", reason: "" },
            ],
          },
        },
        judgements,
      );
      return made.id;
    };
    const [ours, secret, sold, gone, rival] = [
      newRepository(),
      newRepository({ isPrivate: true }),
      newRepository(),
      newRepository(),
      newRepository({ owner: "rival" }),
    ] as const;
    await judge(ours, "untrusted", 1);
    await judge(ours, "trusted", 2);
    await judge(ours, "undetermined", 3, digest("another image"));
    for (const each of [secret, sold, gone]) await judge(each, "trusted", 1);
    await judge(rival, "untrusted", 1);
    await store.rememberRepository({ ...sold, ownerId: 9, installation: 8 });
    await store.forgetRepository(gone.id);
    const told = await store.listOwnerVerdicts(name, image.digest);
    assert.deepEqual(
      told.map(({ repositoryId, fullName, outcome, conclusion, asOf }) => [
        repositoryId,
        fullName,
        outcome,
        conclusion,
        asOf,
      ]),
      [
        [ours.id, "acme/app", "trusted", "success", later(2)],
        [rival.id, "rival/app", "untrusted", "success", later(1)],
      ],
    );
    assert.deepEqual(await store.listOwnerVerdicts("ghcr.io/acme/else", image.digest), []);
    assert.deepEqual(await store.listClaims(name, 2), { named: ["acme/app", "acme/app"], hidden: 2 });
    assert.deepEqual(await store.listClaims("ghcr.io/acme/else", 9), { named: [], hidden: 0 });
  });
}
