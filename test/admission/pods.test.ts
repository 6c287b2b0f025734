import assert from "node:assert/strict";
import { test } from "node:test";
import { answerReview } from "../../src/admission/answer-review.ts";
import { asked, digest, faulty, Images, POLICY, patched, pod, reviewOf, SETTINGS, told } from "./cluster.ts";

const template = {
  metadata: { labels: { app: "a" } },
  spec: { containers: [{ name: "web", image: "ghcr.io/acme/app:1" }] },
};
const KINDS: readonly object[] = [
  { apiVersion: "v1", kind: "Pod", spec: template.spec },
  { apiVersion: "v1", kind: "PodTemplate", template },
  { apiVersion: "v1", kind: "ReplicationController", spec: { template } },
  { apiVersion: "apps/v1", kind: "Deployment", spec: { template } },
  { apiVersion: "apps/v1", kind: "StatefulSet", spec: { template } },
  { apiVersion: "apps/v1", kind: "DaemonSet", spec: { template } },
  { apiVersion: "apps/v1", kind: "ReplicaSet", spec: { template } },
  { apiVersion: "batch/v1", kind: "Job", spec: { template } },
  { apiVersion: "batch/v1", kind: "CronJob", spec: { schedule: "@daily", jobTemplate: { spec: { template } } } },
  // Of somebody else, with a template where most have it.
  { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", spec: { template } },
];

const options = { policy: POLICY, settings: SETTINGS, pageOf: () => undefined };

test("every kind that makes pods is judged, and its tag rewritten to the digest that was judged", async () => {
  for (const object of KINDS) {
    const review = reviewOf(object);
    const images = new Images();
    const answer = answerReview(review, await asked(images, review), options).response;
    assert.equal(answer.allowed, true);
    const text = JSON.stringify(patched(object, answer.patch));
    assert.ok(text.includes(`"ghcr.io/acme/app:1@${digest("ghcr.io/acme/app:1")}"`), text);
    images.verdicts.set("ghcr.io/acme/app", faulty("untrusted", "unattested"));
    assert.deepEqual(told(await asked(images, review)), ["untrusted unattested denied"], JSON.stringify(object));
  }
});

test("containers of all three kinds and volumes that are images are judged, each by itself", async () => {
  const spec = {
    containers: [{ name: "a", image: "ghcr.io/acme/a:1" }],
    initContainers: [{ name: "b", image: "ghcr.io/acme/b:1" }],
    ephemeralContainers: [{ name: "c", image: "ghcr.io/acme/c:1" }],
    volumes: [
      { name: "x", emptyDir: {} },
      { name: "d", image: { reference: "ghcr.io/acme/d:1", pullPolicy: "Always" } },
    ],
  };
  const object = { apiVersion: "v1", kind: "Pod", spec };
  const review = reviewOf(object);
  for (const bad of ["a", "b", "c", "d"]) {
    const images = new Images();
    images.verdicts.set(`ghcr.io/acme/${bad}`, faulty("untrusted", "unattested"));
    const decision = await asked(images, review);
    assert.equal(decision.kind === "judged" && decision.isAllowed, false);
    assert.equal(told(decision).filter((each) => each.endsWith("denied")).length, 1);
  }
  const answer = answerReview(review, await asked(new Images(), review), options).response;
  const written = JSON.stringify(patched(object, answer.patch)).match(/ghcr\.io[^"]+/g) ?? [];
  assert.equal(written.length, 4);
  assert.ok(written.every((each) => /:1@sha256:[0-9a-f]{64}$/.test(each)));
});

test("a debugging container that is added to a running pod is judged, what stood there before isn't written anew", async () => {
  const before = { ...pod("ghcr.io/acme/app:1") };
  const after = {
    ...before,
    spec: { ...before.spec, ephemeralContainers: [{ name: "debug", image: "ghcr.io/acme/debug:1" }] },
  };
  const review = reviewOf(after, { operation: "UPDATE", subResource: "ephemeralcontainers", oldObject: before });
  const images = new Images();
  images.verdicts.set("ghcr.io/acme/debug", faulty("untrusted", "unattested"));
  assert.deepEqual(told(await asked(images, review)), ["trusted allowed", "untrusted unattested denied"]);
  const again = { ...after, spec: { ...after.spec, activeDeadlineSeconds: 5 } };
  const second = reviewOf(again, { operation: "UPDATE", oldObject: after });
  const answer = answerReview(second, await asked(new Images(), second), options).response;
  const text = JSON.stringify(patched(again, answer.patch));
  assert.match(text, /acme\/app:1@sha256/);
  assert.match(text, /"ghcr.io\/acme\/debug:1"/);
});

test("a Job's template can't be changed any more, so an update isn't refused for the tag in it", async () => {
  const job = (parallelism: number) => ({ apiVersion: "batch/v1", kind: "Job", spec: { parallelism, template } });
  const review = reviewOf(job(2), { operation: "UPDATE", oldObject: job(1) });
  for (const mayPin of [true, false]) {
    const decision = await asked(new Images(), review, { mayPin });
    assert.deepEqual(told(decision), ["trusted allowed"]);
    assert.equal(answerReview(review, decision, options).response.patch, undefined);
  }
});

test("names are read as a container runtime reads them, and written so that no short name is left to its settings", async () => {
  const object = pod("alpine", "acme/app", "index.docker.io/acme/x:2", `ghcr.io/acme/app@${digest("d")}`);
  const review = reviewOf(object);
  const images = new Images();
  const { patch } = answerReview(review, await asked(images, review), options).response;
  const { containers } = patched(object, patch).spec as { readonly containers: readonly { readonly image: string }[] };
  assert.deepEqual(
    containers.map(({ image }) => image.replace(/@sha256:.*/, "@")),
    ["docker.io/library/alpine:latest@", "docker.io/acme/app:latest@", "docker.io/acme/x:2@", "ghcr.io/acme/app@"],
  );
  assert.equal(containers[3]?.image, `ghcr.io/acme/app@${digest("d")}`);
  assert.equal(images.resolved.length, 3);
});

test("R26 an image is judged under the tag that it is asked for by, also where its digest stands beside", async () => {
  const image = `ghcr.io/acme/app:1.2@${digest("d")}`;
  const images = new Images();
  await asked(images, reviewOf(pod(image)));
  assert.deepEqual(images.judged, [{ image, platforms: undefined }]);
});

test("the same image at several places is one question", async () => {
  const images = new Images();
  await asked(images, reviewOf(pod("ghcr.io/acme/app:1", "ghcr.io/acme/app:1")));
  assert.deepEqual([images.resolved.length, images.judged.length], [1, 1]);
});

test("nothing that ends, or that is only connected to, is judged", async () => {
  const images = new Images();
  for (const operation of ["DELETE", "CONNECT"])
    assert.deepEqual(told(await asked(images, reviewOf(null, { operation, oldObject: pod("x") }))), ["unconcerned"]);
  assert.equal(images.judged.length, 0);
});

test("an update of labels, finalizers and status alone starts nothing and passes; any other field is judged", async () => {
  const images = new Images();
  images.verdicts.set("ghcr.io/acme/app", faulty("untrusted", "revoked"));
  const before = pod(`ghcr.io/acme/app:1@${digest("d")}`);
  const labelled = { ...before, metadata: { name: "app", finalizers: [] }, status: { phase: "Failed" } };
  assert.deepEqual(told(await asked(images, reviewOf(labelled, { operation: "UPDATE", oldObject: before }))), [
    "unconcerned",
  ]);
  const changes: readonly object[] = [
    { ...before, spec: { ...before.spec, nodeName: "n1" } },
    { ...before, extra: 1 },
    { ...before, spec: { ...before.spec, tolerations: [[]] } },
  ];
  for (const changed of changes) {
    const update = reviewOf(changed, { operation: "UPDATE", oldObject: before });
    assert.deepEqual(told(await asked(images, update)), ["untrusted revoked denied"]);
  }
  // Created anew, the same object is nothing that was there.
  assert.deepEqual(told(await asked(images, reviewOf(before, { oldObject: before }))), ["untrusted revoked denied"]);
});

test("an object that may run something and isn't understood is denied, or passes with a warning where the operator says so", async () => {
  const odd = { apiVersion: "example.org/v1", kind: "Pod", spec: { containers: [{ image: "ghcr.io/acme/app:1" }] } };
  const review = reviewOf(odd);
  assert.deepEqual(told(await asked(new Images(), review)), ["unknown-kind denied"]);
  const decision = await asked(new Images(), review, { settings: { unknown: "allow" } });
  const answer = answerReview(review, decision, options).response;
  assert.equal(answer.allowed, true);
  assert.equal(answer.warnings?.length, 1);
});

test("a pod that can't be read in one way only is denied", async () => {
  for (const spec of [
    undefined,
    null,
    [],
    { containers: {} },
    { containers: ["ghcr.io/acme/app:1"] },
    { containers: [{ image: 1 }] },
    { containers: [], Containers: [{ image: "evil" }] },
    { containers: [{ image: "ghcr.io/acme/app:1", Image: "evil" }] },
  ])
    assert.deepEqual(told(await asked(new Images(), reviewOf({ apiVersion: "v1", kind: "Pod", spec }))), [
      "unreadable denied",
    ]);
  assert.deepEqual(told(await asked(new Images(), reviewOf(null))), ["unreadable denied"]);
});

test("names of the language's own objects are nothing special in a pod", async () => {
  const text = `{"containers":[{"name":"a","image":"ghcr.io/acme/app:1","__proto__":{"image":"x"}}],"nodeSelector":{"__proto__":"x","constructor":"y"},"__proto__":{"containers":[]}}`;
  const object = { apiVersion: "v1", kind: "Pod", spec: JSON.parse(text) as object };
  assert.deepEqual(told(await asked(new Images(), reviewOf(object))), ["trusted allowed"]);
  const odd = { apiVersion: "v1", kind: "constructor", spec: object.spec };
  assert.deepEqual(told(await asked(new Images(), reviewOf(odd))), ["unknown-kind denied"]);
});

test("a container without an image, and a name that is none, are denied", async () => {
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    spec: { containers: [{ name: "a" }, { image: "Not A Name" }, { image: "" }] },
  };
  assert.deepEqual(told(await asked(new Images(), reviewOf(object))), [
    "refused no-image denied",
    "refused malformed-reference denied",
    "refused no-image denied",
  ]);
});

test("a pod of more images than are judged is denied whole, and none of them looked at", async () => {
  const images = new Images();
  const many = Array.from({ length: 1000 }, (_, i) => `ghcr.io/acme/app:${i}`);
  assert.deepEqual(told(await asked(images, reviewOf(pod(...many)))), ["limit denied"]);
  assert.equal(images.resolved.length, 0);
});
