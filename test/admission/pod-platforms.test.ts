import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, Images, pod, reviewOf } from "./cluster.ts";

const expression = (key: string, values: readonly string[], operator = "In") => ({ key, operator, values });
const affinity = (...terms: readonly (readonly object[])[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions })),
      },
    },
  },
});
const ARCH = "kubernetes.io/arch";
const OS = "kubernetes.io/os";

const CASES: readonly (readonly [object, readonly string[] | undefined])[] = [
  [{}, undefined],
  [{ nodeSelector: { [ARCH]: "arm64" } }, ["linux/arm64", "windows/arm64"]],
  [{ nodeSelector: { [ARCH]: "arm64", [OS]: "linux" } }, ["linux/arm64"]],
  [{ nodeSelector: { [ARCH]: "amd64", [OS]: "windows" } }, ["windows/amd64"]],
  [{ nodeSelector: { [ARCH]: "amd64" }, os: { name: "windows" } }, ["windows/amd64"]],
  [{ nodeSelector: { [OS]: "linux" } }, undefined],
  [{ nodeSelector: { [ARCH]: "no such/arch/at/all" } }, undefined],
  [
    { os: { name: "linux" }, nodeSelector: { [ARCH]: "arm" } },
    ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
  ],
  [affinity([expression(ARCH, ["arm64"])]), ["linux/arm64", "windows/arm64"]],
  [affinity([expression(ARCH, ["arm64"]), expression(OS, ["linux"])]), ["linux/arm64"]],
  [
    affinity([expression(ARCH, ["arm64"])], [expression("zone", ["a"]), expression(ARCH, ["arm64"])]),
    ["linux/arm64", "windows/arm64"],
  ],
  [affinity([expression(ARCH, ["arm64"])], [expression(ARCH, ["amd64"])]), undefined],
  [affinity([expression(ARCH, ["arm64"])], [expression("zone", ["a"])]), undefined],
  [affinity([expression(ARCH, ["arm64", "amd64"])]), undefined],
  [affinity([expression(ARCH, ["arm64"], "NotIn")]), undefined],
  [
    {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [expression(ARCH, ["arm64"])] } },
          ],
        },
      },
    },
    undefined,
  ],
];

test("R30 a pod that names its processor is judged for each platform that its machines can have, any other by policy's platforms", async () => {
  for (const [where, platforms] of CASES) {
    const images = new Images();
    const object = pod("ghcr.io/acme/app:1");
    await asked(images, reviewOf({ ...object, spec: { ...object.spec, ...where } }));
    assert.deepEqual(
      images.judged.map((each) => each.platforms),
      [platforms],
      JSON.stringify(where),
    );
  }
});
