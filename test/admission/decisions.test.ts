import assert from "node:assert/strict";
import { test } from "node:test";
import { answerReview } from "../../src/admission/answer-review.ts";
import { type Grace, isBounded, parseGrace } from "../../src/admission/settings.ts";
import { BeyondLimit, CouldNotLook } from "../../src/trust/ports.ts";
import { asked, digest, faulty, Images, NOW, POLICY, pod, reviewOf, SETTINGS, told } from "./cluster.ts";

const APP = "ghcr.io/acme/app";
const PINNED = `${APP}:1@${digest("d")}`;
const options = { policy: POLICY, settings: SETTINGS, pageOf: (image: string) => `https://tb.example/images/${image}` };
const GRACE = parseGrace("adopting trusted builds until 2026-12-31") as Grace;

function worldOf(verdict: ReturnType<typeof faulty> | Error): Images {
  const images = new Images();
  images.verdicts.set(APP, verdict);
  return images;
}

/** From one pinned image to another, with something beside that changes too. */
function updated(from: string, to: string) {
  const after = pod(to);
  return reviewOf(
    { ...after, spec: { ...after.spec, activeDeadlineSeconds: 9 } },
    { operation: "UPDATE", oldObject: pod(from) },
  );
}

test("an untrusted image is denied with the fault, the way to it, what would mend it, and where to read on", async () => {
  const review = reviewOf(pod(PINNED));
  const { response } = answerReview(review, await asked(worldOf(faulty("untrusted", "unattested")), review), options);
  assert.equal(response.allowed, false);
  assert.equal(response.uid, review.uid);
  assert.equal(response.patch, undefined);
  assert.equal(response.status?.code, 403);
  const message = response.status?.message ?? "";
  for (const part of ["unattested", PINNED, "runtime:2 <- debian:12", "sign it", `https://tb.example/images/${PINNED}`])
    assert.ok(message.includes(part), part);
  assert.ok(message.length <= 1000);
});

test("what is denied is not changed, and what is changed is first held to what was judged", async () => {
  const review = reviewOf(pod("ghcr.io/acme/other:1", PINNED));
  const denied = await asked(worldOf(faulty("untrusted", "unattested")), review);
  assert.equal(answerReview(review, denied, options).response.patch, undefined);
  const { patch = "" } = answerReview(review, await asked(new Images(), review), options).response;
  assert.deepEqual(JSON.parse(Buffer.from(patch, "base64").toString()), [
    { op: "test", path: "/spec/containers/0/image", value: "ghcr.io/acme/other:1" },
    {
      op: "replace",
      path: "/spec/containers/0/image",
      value: `ghcr.io/acme/other:1@${digest("ghcr.io/acme/other:1")}`,
    },
  ]);
});

test("every image that keeps an object out is named, however many they are", async () => {
  const images = Array.from({ length: 64 }, (_, i) => `${APP}:${i}@${digest(String(i))}`);
  const review = reviewOf(pod(...images));
  const { response } = answerReview(review, await asked(worldOf(faulty("untrusted", "unattested")), review), options);
  const message = response.status?.message ?? "";
  for (const image of images) assert.ok(message.includes(image));
  assert.ok(message.length < 17_000);
});

test("names of strangers move no cursor where a denial is shown", async () => {
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    spec: { containers: [{ name: "\u001b[2Jx\u202e", image: "a\u001b[1m\nb" }] },
  };
  const review = reviewOf(object);
  const { response } = answerReview(review, await asked(new Images(), review), options);
  for (const text of [response.status?.message, response.auditAnnotations?.verdicts])
    assert.doesNotMatch(text ?? "", /[\p{Cc}\p{Cf}]/u);
});

test("R15 what could not be looked at is denied, or passes with a warning where the operator says so, and is never called trusted", async () => {
  const cases: readonly Images[] = [
    worldOf(faulty("undetermined", "network")),
    worldOf(new CouldNotLook("server-error", "read the manifest: 503")),
  ];
  const unresolved = new Images();
  unresolved.tags.set(`${APP}:1`, new CouldNotLook("network", "no route"));
  const closed = pod(`${APP}:1`);
  for (const images of [...cases, unresolved]) {
    const review = reviewOf(closed);
    const denied = await asked(images, review);
    assert.match(told(denied)[0] ?? "", /^undetermined \S+ denied$/);
    for (const mayPin of [true, false]) {
      if (!mayPin && images !== unresolved) continue;
      const decision = await asked(images, review, { settings: { undetermined: "allow" }, mayPin });
      const { response } = answerReview(review, decision, options);
      assert.equal(response.allowed, true);
      assert.match(response.warnings?.[0] ?? "", /could not look/);
      assert.match(response.auditAnnotations?.verdicts ?? "", /undetermined/);
    }
  }
});

test("untrusted stays denied where undetermined passes", async () => {
  const settings = { undetermined: "allow", unknown: "allow" } as const;
  assert.deepEqual(told(await asked(worldOf(faulty("untrusted", "unattested")), reviewOf(pod(PINNED)), { settings })), [
    "untrusted unattested denied",
  ]);
  const none = new Images();
  none.tags.set(`${APP}:1`, undefined);
  assert.deepEqual(told(await asked(none, reviewOf(pod(`${APP}:1`)), { settings })), [
    "untrusted tag-not-found denied",
  ]);
  assert.deepEqual(told(await asked(worldOf(new BeyondLimit("5 MiB")), reviewOf(pod(PINNED)), { settings })), [
    "untrusted limit denied",
  ]);
});

test("a fault of the program denies, also where undetermined passes, and is told to the log", async () => {
  const faults: unknown[] = [];
  const decision = await asked(worldOf(new TypeError("x is undefined")), reviewOf(pod(PINNED)), {
    settings: { undetermined: "allow" },
    onFault: (error) => faults.push(error),
  });
  assert.deepEqual(told(decision), ["refused internal denied"]);
  assert.equal(faults.length, 1);
});

test("who isn't judged before the cluster stops waiting is undetermined, whatever comes later", async () => {
  const images = new Images();
  images.verdicts.set(APP, new Promise<never>(() => {}));
  const decision = await asked(images, reviewOf(pod(PINNED, "ghcr.io/acme/other:1")), { deadline: Promise.resolve() });
  assert.equal(told(decision)[0], "undetermined timeout denied");
});

test("at the second door a tag is denied, since it could name something else by the time it is pulled, and nothing is written", async () => {
  assert.deepEqual(told(await asked(new Images(), reviewOf(pod(`${APP}:1`)), { mayPin: false })), [
    "refused not-pinned denied",
  ]);
  const review = reviewOf(pod(PINNED));
  const decision = await asked(new Images(), review, { mayPin: false });
  assert.deepEqual(told(decision), ["trusted allowed"]);
  assert.equal(answerReview(review, decision, options).response.patch, undefined);
});

test("a tag that moves between two reviews is pinned to what was judged each time", async () => {
  const images = new Images();
  const review = reviewOf(pod(`${APP}:1`));
  const pins: (string | undefined)[] = [];
  for (const name of ["first", "second"]) {
    images.tags.set(`${APP}:1`, digest(name));
    const decision = await asked(images, review);
    pins.push(decision.kind === "judged" ? decision.images[0]?.pinned : undefined);
  }
  assert.deepEqual(pins, [`${APP}:1@${digest("first")}`, `${APP}:1@${digest("second")}`]);
  assert.deepEqual(
    images.judged.map(({ image }) => image),
    pins,
  );
});

test("a dry run is answered like every other review", async () => {
  const images = worldOf(faulty("untrusted", "unattested"));
  const [wet, dry] = [false, true].map((dryRun) => reviewOf(pod(PINNED, "ghcr.io/acme/b:1"), { dryRun }));
  assert.ok(wet && dry);
  const answer = async (review: typeof wet) => answerReview(review, await asked(images, review), options);
  assert.deepEqual(await answer(dry), await answer(wet));
});

test("where nothing is enforced nothing is denied or changed, and each image that would be is warned of", async () => {
  const review = reviewOf(pod(`${APP}:1`, "ghcr.io/acme/other:1"));
  for (const mayPin of [true, false]) {
    const settings = { isEnforced: false };
    const decision = await asked(worldOf(faulty("untrusted", "unattested")), review, { settings, mayPin });
    const { response } = answerReview(review, decision, options);
    assert.equal(response.allowed, true);
    assert.equal(response.patch, undefined);
    assert.deepEqual(response.warnings, [`would be denied (unattested): ${APP}:1`]);
  }
  const odd = reviewOf({ apiVersion: "x.example/v1", kind: "Odd" });
  assert.deepEqual(told(await asked(new Images(), odd, { settings: { isEnforced: false } })), ["unknown-kind allowed"]);
});

test("warnings are as short as clusters show them, one by one and together", async () => {
  const images = Array.from({ length: 64 }, (_, i) => `${APP}${i}${"-long".repeat(20)}:1@${digest(String(i))}`);
  const review = reviewOf(pod(...images));
  const world = new Images();
  for (const image of images) world.verdicts.set(image.slice(0, image.indexOf(":")), faulty("untrusted", "unattested"));
  const decision = await asked(world, review, { settings: { isEnforced: false } });
  const { warnings = [] } = answerReview(review, decision, options).response;
  assert.ok(warnings.every((each) => each.length <= 120));
  assert.ok(warnings.join("").length <= 4096);
  assert.match(warnings.at(-1) ?? "", /^and \d+ more images$/);
});

test("R35 a grace lets pass digests that stood in the object before, and says its name and its end", async () => {
  const settings = { grace: GRACE };
  const images = worldOf(faulty("untrusted", "unattested"));
  const review = updated(PINNED, PINNED);
  const decision = await asked(images, review, { settings });
  assert.deepEqual(told(decision), ["untrusted unattested grace"]);
  const { response } = answerReview(review, decision, { ...options, settings: { ...SETTINGS, ...settings } });
  assert.match(response.warnings?.[0] ?? "", /grace "adopting trusted builds" until 2026-12-31 \(unattested\)/);
  assert.deepEqual(told(await asked(images, review)), ["untrusted unattested denied"]);
});

test("R35 a grace never lets pass a new image, a tag that stood there, an image of another name, or one that is revoked", async () => {
  const settings = { grace: GRACE };
  const images = worldOf(faulty("untrusted", "unattested"));
  images.verdicts.set("ghcr.io/acme/other", faulty("untrusted", "unattested"));
  for (const review of [
    reviewOf(pod(PINNED)),
    reviewOf(pod(PINNED), { oldObject: pod(PINNED) }),
    updated(PINNED, `${APP}:1@${digest("new")}`),
    updated(PINNED, `ghcr.io/acme/other:1@${digest("d")}`),
    updated(`${APP}:1`, PINNED),
    updated("Not A Name", PINNED),
  ])
    assert.deepEqual(told(await asked(images, review, { settings })), ["untrusted unattested denied"]);
  const revoked = worldOf(faulty("untrusted", "revoked"));
  assert.deepEqual(told(await asked(revoked, updated(PINNED, PINNED), { settings })), ["untrusted revoked denied"]);
});

test("R35 a grace ends with its last day, and is no longer than ninety days", async () => {
  const images = worldOf(faulty("untrusted", "unattested"));
  const at = async (now: string) =>
    told(await asked(images, updated(PINNED, PINNED), { settings: { grace: GRACE }, now: new Date(now) }));
  assert.deepEqual(await at("2026-12-31T23:59:59Z"), ["untrusted unattested grace"]);
  assert.deepEqual(await at("2027-01-01T00:00:00Z"), ["untrusted unattested denied"]);
  assert.equal(isBounded(GRACE, NOW), true);
  assert.equal(isBounded(parseGrace("for ever until 2027-02-27") as Grace, NOW), false);
  for (const text of [
    "",
    "x",
    "adopting until 2026-02-30",
    "adopting until later",
    "until 2026-12-31",
    "a\nb until 2026-12-31",
  ])
    assert.equal(parseGrace(text), undefined, text);
});

test("verdicts and the policy stand in the cluster's audit log", async () => {
  const review = reviewOf(pod(PINNED));
  const { response } = answerReview(review, await asked(new Images(), review), options);
  assert.deepEqual(response.auditAnnotations, { policy: POLICY, verdicts: `${PINNED} trusted allowed` });
});
