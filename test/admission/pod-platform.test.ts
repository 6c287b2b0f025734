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

const CASES: readonly (readonly [object, string | undefined])[] = [
  [{}, undefined],
  [{ nodeSelector: { [ARCH]: "arm64" } }, "linux/arm64"],
  [{ nodeSelector: { [ARCH]: "amd64", "kubernetes.io/os": "windows" } }, "windows/amd64"],
  [{ nodeSelector: { [ARCH]: "amd64" }, os: { name: "windows" } }, "windows/amd64"],
  [{ nodeSelector: { "kubernetes.io/os": "linux" } }, undefined],
  [{ nodeSelector: { [ARCH]: "no such/arch/at/all" } }, undefined],
  [affinity([expression(ARCH, ["arm64"])]), "linux/arm64"],
  [affinity([expression(ARCH, ["arm64"])], [expression("zone", ["a"]), expression(ARCH, ["arm64"])]), "linux/arm64"],
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

test("R30 a pod that can run on one kind of machine is judged for that platform, any other by policy's platforms", async () => {
  for (const [where, platform] of CASES) {
    const images = new Images();
    const object = pod("ghcr.io/acme/app:1");
    await asked(images, reviewOf({ ...object, spec: { ...object.spec, ...where } }));
    assert.deepEqual(
      images.judged.map((each) => each.platform),
      [platform],
      JSON.stringify(where),
    );
  }
});
