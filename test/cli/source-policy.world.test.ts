import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { z } from "zod";
import { sourcePolicyCommand } from "../../src/cli/source-policy.ts";
import { once } from "../verify/scene.ts";
import { temporaryFiles } from "../verify/temporary-files.ts";
import { build } from "../world/build.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { NO_SETTINGS, runHere } from "./in-process.ts";

const write = temporaryFiles();
const POLICY_VARIABLE = "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY";

/** BuildKit's refusal, and no other way for a build to fail. */
const REFUSED = /denied by policy/;

const Metadata = z.object({ "containerimage.digest": z.string(), "buildx.build.provenance": z.unknown() });

/** Two images, of which policy trusts the first; and the source policy that says so. */
const judged = once(async (world) => {
  const name = `${world.registry}/acme-${randomBytes(4).toString("hex")}`;
  const image = async (tag: string, content: string) => {
    const localContext = folder({ Dockerfile: "FROM scratch\nCOPY file /file\n", file: content });
    const args = { toolchain: world, image: `${name}/${tag}`, localContext, provenance: false } as const;
    return (await build(args)).index;
  };
  const [good, other] = [await image("good:1", "good"), await image("other:1", "other")];
  const root = `{ image: "${name}/good@${good}", reason: "looked at it", expires: 2099-01-01 }`;
  const policy = write("policy.yml", `version: 1\ntrust:\n  roots: [${root}]\n`);
  const out = `${write("source-policy.json", "")}.new`;
  const args = { platform: [], buildArg: [], buildContext: [], denyOtherSources: false, policy, ...NO_SETTINGS };
  const make = async (more: { readonly out: string; readonly denyOtherSources?: boolean }) => {
    const asked = { ...args, ...more, images: [`${name}/good:1`, `${name}/other:1`] };
    return (await runHere((here) => sourcePolicyCommand(asked, here), { homeDirectory: "/nonexistent" })).exit;
  };
  assert.equal(await make({ out }), 1);
  return { name, good, other, out, make };
});

type Made = NonNullable<Awaited<ReturnType<typeof judged>>>;

function folder(files: Readonly<Record<string, string>>): string {
  const path = `${write("context", "")}.d`;
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

async function builds({ world, out }: Pick<Made, "world" | "out">, text: string, args: readonly string[] = []) {
  const context = folder({ Dockerfile: text, file: "file" });
  const metadata = join(context, "metadata.json");
  const given = ["--pull", "--output=type=image", "--metadata-file", metadata, ...args, context];
  await world.run("docker", ["buildx", "build", ...given], {
    env: { [POLICY_VARIABLE]: out, BUILDX_METADATA_PROVENANCE: "max" },
  });
  return Metadata.parse(JSON.parse(readFileSync(metadata, "utf8")));
}

/** That the build is refused by this policy, and for that reason. */
async function refused(made: Made, text: string, args: readonly string[] = [], out = made.out): Promise<void> {
  await assert.rejects(builds({ ...made, out }, text, args), REFUSED, text);
}

test("a build on what was judged trusted goes through, and its provenance has the digest", async (t) => {
  const made = await judged(t);
  if (!made) return;
  const { name, good } = made;
  const pinned = `docker-image://${name}/good:1@${good}`;
  const lines = [`FROM ${name}/good:1`, `FROM ${name}/good:1@${good}`, `FROM scratch\nCOPY --from=${name}/good:1 / /`];
  for (const text of lines) {
    const built = await builds(made, `${text}\nCOPY file /own\n`);
    assert.ok(JSON.stringify(built["buildx.build.provenance"]).includes(JSON.stringify(pinned)), text);
  }
});

test("BuildKit refuses every image that wasn't judged trusted, whatever names it", async (t) => {
  const made = await judged(t);
  if (!made) return;
  const { name, good, other } = made;
  const from = `FROM ${name}/good:1\n`;
  await refused(made, `FROM ${name}/other:1\n`);
  await refused(made, `FROM ${name}/good@${good}\n`);
  await refused(made, `FROM ${name}/good:2\n`);
  await refused(made, `FROM ${name}/good:1@${other}\n`);
  await refused(made, `${from}COPY --from=${name}/other:1 /file /x\n`);
  await refused(made, `${from}RUN --mount=from=${name}/other:1,target=/x ["/x"]\n`);
  await refused(made, `# syntax=${name}/other:1\n${from}`);
  await refused(made, from, ["--build-arg", `BUILDKIT_SYNTAX=${name}/other:1`]);
  await refused(made, from, ["--build-context", `${name}/good:1=docker-image://${name}/other:1`]);
  await refused(made, from, ["--attest", `type=sbom,generator=${name}/other:1`]);
  const layout = folder({});
  await made.world.run("crane", ["pull", "--format=oci", `${name}/other:1`, layout]);
  await refused(made, from, ["--build-context", `${name}/good:1=oci-layout://${layout}@${other}`]);
});

test("a tag that was moved since leads to what was judged all the same", async (t) => {
  const made = await judged(t);
  if (!made) return;
  const { world, name, good, other } = made;
  await world.run("crane", ["copy", `${name}/good:1`, `${name}/moved:1`]);
  const root = `{ image: "${name}/moved@${good}", reason: "looked at it", expires: 2099-01-01 }`;
  const policy = write("policy.yml", `version: 1\ntrust:\n  roots: [${root}]\n`);
  const out = `${write("source-policy.json", "")}.new`;
  const args = { images: [`${name}/moved:1`], platform: [], buildArg: [], buildContext: [], denyOtherSources: false };
  const settings = { ...args, ...NO_SETTINGS, policy, out };
  const { exit } = await runHere((here) => sourcePolicyCommand(settings, here), { homeDirectory: "/nonexistent" });
  assert.equal(exit, 0);
  await world.run("crane", ["copy", `${name}/other:1`, `${name}/moved:1`]);
  const { "buildx.build.provenance": provenance } = await builds({ world, out }, `FROM ${name}/moved:1\n`);
  assert.ok(JSON.stringify(provenance).includes(`${name}/moved:1@${good}`));
  assert.ok(!JSON.stringify(provenance).includes(other.slice("sha256:".length)));
});

test("--deny-other-sources refuses an address too, and takes what the client sends", async (t: TestContext) => {
  const made = await judged(t);
  if (!made) return;
  const web = await startOciRegistry();
  t.after(() => web.close());
  const text = `FROM ${made.name}/good:1\nADD http://${web.host}/v2/ /x\n`;
  await builds(made, text);
  const out = `${write("source-policy.json", "")}.new`;
  await made.make({ out, denyOtherSources: true });
  await refused(made, text, [], out);
  await refused(made, `FROM ${made.name}/other:1\n`, [], out);
  await builds({ ...made, out }, `FROM ${made.name}/good:1\nCOPY file /own\n`);
});

test("BuildKit reads what is written: without it the same builds go through", async (t) => {
  const made = await judged(t);
  if (!made) return;
  const { world } = made;
  const context = folder({ Dockerfile: `FROM ${made.name}/other:1\n` });
  await world.run("docker", ["buildx", "build", "--pull", "--output=type=image", context]);
});
