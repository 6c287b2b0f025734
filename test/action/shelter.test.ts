import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { builds, FILES, pushed } from "./builds.ts";

const { stage, place, build } = await builds();

test("a secret reaches the step that mounts it, and neither the log nor the provenance", async (t) => {
  const at = await place(t);
  if (!at) return;
  const value = `hush-${randomBytes(8).toString("hex")}`;
  const other = `other-${randomBytes(8).toString("hex")}`;
  const mounts = "--mount=type=secret,id=npm-token --mount=type=secret,id=other";
  const Dockerfile = `FROM scratch\nADD rootfs.tar.gz /\nRUN ${mounts} [ -s /run/secrets/npm-token ] && [ ! -e /run/secrets/other ]\n`;
  const made = await build(at, "secretive", {
    files: { Dockerfile, "rootfs.tar.gz": at.rootfs },
    inputs: { secrets: "npm-token", "secret-values": `npm-token=${value}\nother=${other}` },
  });
  assert.equal(made.exit, 0, made.log);
  assert.deepEqual([made.masked.includes(value), made.masked.includes(other)], [true, true]);
  const shown = made.log.replaceAll(/^::add-mask::.*$/gm, "");
  const { platforms } = await pushed(made);
  const said = platforms.map(({ provenance }) => Buffer.from(provenance).toString()).join();
  assert.match(said, /"npm-token"/);
  for (const secret of [value, other, "ghs_token"]) {
    for (const where of [shown, said, made.summary]) assert.ok(!where.includes(secret));
  }
});

test("a git tag that moved since the builder saw it still builds", async (t) => {
  const at = await place(t);
  if (!at) return;
  // A commit that BuildKit has from another repository it would not fetch again.
  const first = await build(at, "moving", { files: { ...FILES, file: at.namespace } });
  assert.equal(first.exit, 0, first.log);
  const second = await build(at, "moving", { files: { ...FILES, file: "other content\n" } });
  assert.equal(second.exit, 0, second.log);
  assert.match(second.log, /would clobber existing tag/);
  assert.notEqual(second.source.commit, first.source.commit);
  assert.equal((await pushed(second)).index, second.outputs.digest);
});

test("what a build prints is no command to the runner", async (t) => {
  const at = await place(t);
  if (!at) return;
  const command = "::set-output name=digest::sha256:0";
  const made = await build(at, "talkative", {
    files: {
      Dockerfile: `FROM scratch\nADD rootfs.tar.gz /\nRUN echo && echo "${command}" && exit 3\n`,
      "rootfs.tar.gz": at.rootfs,
    },
  });
  assert.equal(made.exit, 1);
  const [, end = ""] = /^::stop-commands::(\S+)$/m.exec(made.log) ?? [];
  const [from, to] = [made.log.indexOf("::stop-commands::"), made.log.indexOf(`\n::${end}::`)];
  const outside = made.log.slice(0, from) + made.log.slice(to);
  assert.ok(made.log.slice(from, to).includes(command));
  assert.doesNotMatch(outside, /^\s*::set-output/m);
  assert.match(made.errors.join(), /docker buildx build of \S+ at [0-9a-f]{40} ended with 1/);
});

test("the environment changes nothing in the build that the provenance doesn't say", async (t) => {
  const at = await place(t);
  if (!at) return;
  const policyFile = stage.write(
    "source-policy.json",
    JSON.stringify({ rules: [{ action: "DENY", selector: { identifier: "*" } }] }),
  );
  const made = await build(at, "sheltered", {
    job: {
      env: {
        SOURCE_DATE_EPOCH: "0",
        EXPERIMENTAL_BUILDKIT_SOURCE_POLICY: policyFile,
        BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      },
    },
  });
  assert.equal(made.exit, 0, made.log);
  const [platform] = (await pushed(made)).platforms;
  assert.doesNotMatch(Buffer.from(platform?.provenance ?? []).toString(), /SOURCE_DATE_EPOCH/);
});
