import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findPod } from "../../src/admission/find-pod.ts";
import { readConfig } from "../../src/app/config.ts";
import { readDockerfile } from "../../src/image/dockerfile/read.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference } from "../../src/image/reference.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { toolchain } from "../world/toolchain.ts";
import { DEPLOY, FOREIGN, type Manifest, manifestFiles, manifestsIn, validate } from "./manifests.ts";

interface Webhooks extends Manifest {
  readonly webhooks: readonly {
    readonly clientConfig: { readonly service: { readonly path: string } };
    readonly failurePolicy: string;
    readonly namespaceSelector: { readonly matchExpressions: readonly { readonly values: readonly string[] }[] };
    readonly rules: readonly {
      readonly apiGroups: readonly string[];
      readonly operations: readonly string[];
      readonly resources: readonly string[];
    }[];
  }[];
}

/** Resources that make pods, and the kinds they are of. */
const RESOURCES: Readonly<Record<string, string>> = {
  pods: "Pod",
  "pods/ephemeralcontainers": "Pod",
  podtemplates: "PodTemplate",
  replicationcontrollers: "ReplicationController",
  deployments: "Deployment",
  statefulsets: "StatefulSet",
  daemonsets: "DaemonSet",
  replicasets: "ReplicaSet",
  jobs: "Job",
  cronjobs: "CronJob",
};

function hooks(): readonly Webhooks[] {
  return manifestsIn(readFileSync(join(DEPLOY, "base/webhooks.yaml"), "utf8")) as unknown as readonly Webhooks[];
}

test("every manifest is what Kubernetes' API takes, but for those of cert-manager, of which there is no schema here", () => {
  const files = manifestFiles();
  assert.ok(files.length > 8);
  for (const { path, manifests } of files)
    for (const manifest of manifests) {
      if (FOREIGN.includes(manifest.apiVersion)) continue;
      assert.doesNotThrow(() => validate(manifest), path);
    }
  // The schemas do refuse something.
  assert.throws(() => validate({ apiVersion: "v1", kind: "Service", spec: { ports: [{ port: "http" }] } } as Manifest));
});

for (const overlay of ["base", "cert-manager", "postgres"])
  test(`kubectl builds deploy/${overlay}, and what comes of it is what Kubernetes' API takes`, async (t) => {
    const world = await toolchain(t, ["kubectl"]);
    if (!world) return;
    const { stdout } = await world.run("kubectl", ["kustomize", join(DEPLOY, overlay)]);
    const manifests = manifestsIn(stdout);
    for (const manifest of manifests) if (!FOREIGN.includes(manifest.apiVersion)) validate(manifest);
    const kinds = manifests.map(({ kind }) => kind);
    assert.equal(kinds.includes("PersistentVolumeClaim"), overlay !== "postgres");
    assert.equal(stdout.includes("DATABASE_URL"), overlay === "postgres");
    assert.equal(stdout.includes("DATA_DIR"), overlay !== "postgres");
    const injected = manifests.filter(({ metadata }) => metadata?.annotations !== undefined);
    assert.equal(injected.length, overlay === "base" ? 0 : 2);
  });

test("both doors are asked about everything that makes pods, and about nothing that isn't understood", () => {
  for (const { webhooks } of hooks()) {
    const [{ rules } = { rules: [] }] = webhooks;
    const named = rules.flatMap(({ resources }) => resources);
    assert.deepEqual([...named].sort(), Object.keys(RESOURCES).sort());
    for (const { apiGroups, resources } of rules)
      for (const resource of resources)
        assert.notEqual(findPod({ group: apiGroups[0] ?? "", kind: RESOURCES[resource] ?? "" }, {}).kind, "unknown");
    const scaled = rules.filter(({ resources }) => /replica|replication/.test(resources.join()));
    assert.ok(scaled.every(({ operations }) => operations.join() === "CREATE"));
  }
});

test("both doors deny where nobody answers, and leave out the cluster's own namespace and the server's", () => {
  const all = hooks().flatMap(({ webhooks }) => webhooks);
  assert.deepEqual(
    all.map(({ clientConfig }) => clientConfig.service.path),
    ["/v1/admission", "/v1/admission/validate"],
  );
  for (const { failurePolicy, namespaceSelector } of all) {
    assert.equal(failurePolicy, "Fail");
    assert.deepEqual(namespaceSelector.matchExpressions[0]?.values, ["kube-system", "trusted-builds"]);
  }
});

test("the server in the cluster may write nowhere but to its data, and has neither root nor a token", () => {
  const text = readFileSync(join(DEPLOY, "base/deployment.yaml"), "utf8");
  for (const line of [
    "runAsNonRoot: true",
    "readOnlyRootFilesystem: true",
    "allowPrivilegeEscalation: false",
    "capabilities: { drop: [ALL] }",
    "type: RuntimeDefault",
    "automountServiceAccountToken: false",
  ])
    assert.ok(text.includes(line), line);
});

test("the server takes the environment that its deployment gives it, and the policy beside it", () => {
  const [deployment] = manifestsIn(readFileSync(join(DEPLOY, "base/deployment.yaml"), "utf8")) as unknown as readonly {
    readonly spec: {
      readonly template: {
        readonly spec: {
          readonly containers: readonly {
            readonly env: readonly { readonly name: string; readonly value: string }[];
          }[];
        };
      };
    };
  }[];
  const env = deployment?.spec.template.spec.containers[0]?.env ?? [];
  // The policy's file is in the cluster.
  const given = env.filter(({ name }) => name !== "POLICY_FILE").map(({ name, value }) => [name, value] as const);
  const { admission } = readConfig(Object.fromEntries(given));
  assert.deepEqual([admission?.port, admission?.settings.undetermined], [8443, "deny"]);
  assert.ok(env.some(({ name }) => name === "POLICY_FILE"));
  parsePolicy(readFileSync(join(DEPLOY, "base/policy.yml")), "policy.yml");
});

test("our own reader reads the Dockerfile of the server, whose base can be pinned", () => {
  const text = readFileSync(join(DEPLOY, "Dockerfile"));
  const platform = parsePlatform("linux/amd64");
  const plain = readDockerfile(text, { platform });
  assert.deepEqual(
    [...new Set(plain.images.map(({ reference }) => formatReference(reference)))],
    ["docker.io/library/node:24-trixie-slim"],
  );
  const pinned = `docker.io/library/node@sha256:${"a".repeat(64)}`;
  const { images } = readDockerfile(text, { platform, buildArgs: { NODE_IMAGE: pinned } });
  assert.ok(images.every(({ reference }) => formatReference(reference) === pinned));
});
