import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readMarkdown } from "../../scripts/markdown.ts";
import { parseStatement } from "../../src/attestation/statement.ts";
import { UsageError } from "../../src/cli/exit-code.ts";
import { type RootsAddArguments, rootsAddCommand } from "../../src/cli/roots-add.ts";
import { rootsListCommand } from "../../src/cli/roots-list.ts";
import { rootsKeyCommand, rootsPublishCommand } from "../../src/cli/roots-publish.ts";
import type { Surroundings } from "../../src/cli/walk.ts";
import { hexOf } from "../../src/image/digest.ts";
import { OCI_IMAGE_INDEX, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parsePolicy } from "../../src/trust/policy.ts";
import { FEED_PREDICATE, type FeedRoot, parseFeedDraft, parseRootsFeed } from "../../src/trust/roots-feed.ts";
import { jsonBytes, putImage } from "../registry/image-fixture.ts";
import { feedBytes, feedKey } from "../trust/feeds.ts";
import { run, trustedBuilds, verify } from "../verify/command.ts";
import { startOciRegistry } from "../world/oci-registry.ts";
import { toolchain } from "../world/toolchain.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const page = readFileSync("docs/roots.md", "utf8");
const directory = mkdtempSync(join(tmpdir(), "roots-"));
const at = (name: string) => join(directory, name);
const registry = await startOciRegistry();
const debian = putImage(registry, "13", "library/debian");
const alpine = putImage(registry, "3.22", "library/alpine");
let served: Uint8Array | undefined;
const server = createServer((_, response) => response.writeHead(served === undefined ? 404 : 200).end(served));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
after(async () => {
  server.close();
  await registry.close();
  rmSync(directory, { recursive: true });
});

const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content);
  return at(name);
};

/** A command in this process, with what it says. */
async function called(command: (surroundings: Surroundings) => Promise<number>) {
  const said = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof said) =>
    ({
      write: (text: string) => {
        said[name] += text;
        return true;
      },
    }) as NodeJS.WriteStream;
  const [stdout, stderr] = [stream("stdout"), stream("stderr")];
  const surroundings = { env: {}, homeDirectory: directory, stdout, stderr, now: () => new Date() };
  const exit = await command(surroundings).catch((error: unknown) => {
    if (!(error instanceof UsageError)) throw error;
    said.stderr += error.message;
    return 2;
  });
  return { exit, ...said };
}

const here = { cwd: directory, env: { XDG_CACHE_HOME: at("cache") } };
const image = (name: string) => `${registry.host}/library/${name}`;
const readDraft = () => parseFeedDraft(readFileSync(at("roots.draft.json")));

test("the three commands of docs/roots.md make a feed, and the help teaches the same", async () => {
  const [block] = readMarkdown(page).blocks.filter(({ info }) => info.includes("a test runs it"));
  const help = await trustedBuilds(["roots", "--help"]);
  assert.equal(block?.text.split("\n").length, 3);
  for (const line of block?.text.split("\n") ?? []) assert.ok(help.stdout.includes(line), line);
  const script = (block?.text ?? "").replace("debian:13 alpine:3.22", `${image("debian:13")} ${image("alpine:3.22")}`);
  const command = `trusted-builds() { "${process.execPath}" "${MAIN}" "$@"; }\n${script}`;
  const { exit, stdout, stderr } = await run("bash", ["-euc", command], here);
  assert.deepEqual([exit, stderr], [0, ""], stderr);
  assert.deepEqual(
    readDraft().roots.map(({ image: name, digest, tags }) => [name, digest, tags]),
    [
      [image("alpine"), alpine.digest, ["3.22"]],
      [image("debian"), debian.digest, ["13"]],
    ],
  );
  assert.equal(statSync(at("roots.key")).mode & 0o777, 0o600);
  // The lines that it prints are a policy, for these names.
  const snippet = stdout.slice(stdout.indexOf("trust:")).replace("https://HOST/PATH", `http://${host}/roots.json`);
  writeFileSync(at("policy.yml"), `version: 1\n${snippet}`);
  const [feed] = parsePolicy(readFileSync(at("policy.yml")), "policy.yml").rootsFrom;
  assert.ok(feed?.images.some((pattern) => pattern.match(image("debian")) !== undefined));
});

test("R27 verify takes the feed up, and says in which root the image ends", async () => {
  served = readFileSync(at("roots.json"));
  const args = ["--policy", at("policy.yml"), "--allow-host", host];
  const { exit, verdict } = await verify(image("debian:13"), args, here);
  assert.equal(exit, 0);
  const [finding] = verdict.nodes.map((node) => node.finding);
  assert.deepEqual(
    [finding?.kind, finding?.policyPath, finding?.feed?.url, finding?.feed?.issuer],
    ["root", "trust.roots-from[0]", `http://${host}/roots.json`, "Acme platform team"],
  );
  const { stdout } = await trustedBuilds(["verify", ...args, image("debian:13")], here);
  assert.match(stdout, /✔ TRUSTED/);
  assert.match(stdout, /1 named root/);
  assert.match(stdout, /named by Acme platform team in http/);
});

test("R27 verify keeps the feed: it does where it can't be fetched, and makes known what is older", async () => {
  const args = ["--policy", at("policy.yml"), "--allow-host", host];
  served = undefined;
  const kept = await verify(image("debian:13"), args, here);
  assert.equal(kept.exit, 0);
  assert.match(kept.verdict.nodes.flatMap(({ warnings }) => warnings).join(), /is taken as it was issued/);
  const nobody = { ...here, env: { XDG_CACHE_HOME: at("empty") } };
  const without = await verify(image("debian:13"), args, nobody);
  assert.deepEqual([without.exit, without.verdict.unreachable.map(({ code }) => code)], [3, ["feed-unread"]]);

  // Another's key in the place of the publisher's.
  const [root] = readDraft().roots as [FeedRoot];
  served = feedBytes([root]);
  const forged = await verify(image("debian:13"), args, nobody);
  assert.deepEqual([forged.exit, forged.verdict.unreachable.map(({ code }) => code)], [3, ["feed-refused"]]);
  assert.ok(!existsSync(at("empty/trusted-builds/feeds")), "what isn't genuine isn't kept");
});

test("roots list shows what a feed names, and verifies it where its publisher's key is given", async () => {
  served = readFileSync(at("roots.json"));
  const list = (feed: string, key?: string) =>
    called((surroundings) => rootsListCommand({ feed, allowHost: [], ...(key && { key }) }, surroundings));
  const key = at("roots.key.pub");
  for (const feed of [at("roots.json"), `http://${host}/roots.json`]) {
    const { exit, stdout } = await list(feed, key);
    assert.equal(exit, 0);
    assert.match(stdout, /^Acme platform team, issued .* signed by the key given$/m);
    assert.ok(stdout.includes(`${image("debian")}:13`) && stdout.includes(debian.digest));
  }
  assert.match((await list(at("roots.json"))).stdout, /NOT VERIFIED/);
  assert.match((await list(at("roots.draft.json"))).stdout, /^draft, not signed\n/);

  write("other.json", feedBytes(readDraft().roots));
  write("over.json", feedBytes(readDraft().roots, { issued: new Date(0), expires: new Date(1000) }));
  for (const feed of ["other.json", "roots.draft.json", "policy.yml"]) {
    const { exit, stdout, stderr } = await list(at(feed), key);
    assert.deepEqual([exit, stdout], [1, ""], feed);
    assert.notEqual(stderr, "", feed);
  }
  const over = await list(at("over.json"), write("test.pub", feedKey.publicKey.pem));
  assert.deepEqual([over.exit, over.stderr.includes("expired 1970-01-01")], [1, true]);
  served = undefined;
  assert.equal((await list(`http://${host}/roots.json`, key)).exit, 3);
});

const add = (images: readonly string[], options: Partial<RootsAddArguments> = {}) =>
  called((surroundings) =>
    rootsAddCommand(
      { feed: at("roots.draft.json"), images, reason: "x", replace: false, allowHost: [], ...options },
      surroundings,
    ),
  );

test("roots add puts in all images or none, and says which it couldn't find", async () => {
  const before = readFileSync(at("roots.draft.json"), "utf8");
  const absent = await add([image("debian:13"), image("debian:99")]);
  assert.equal(absent.exit, 2);
  assert.match(absent.stderr, /debian:99: the repository can be read and doesn't hold it/);
  registry.fail(/alpine\/manifests/, { status: 500 });
  const unanswered = await add([image("debian:13"), image("alpine:3.22")]);
  registry.heal();
  assert.equal(unanswered.exit, 3);
  const asked = registry.requests.length;
  for (const wrong of [{ reason: " " }, { expires: "tomorrow" }, { issuer: "" }])
    assert.equal((await add([image("debian:13")], wrong)).exit, 2);
  assert.equal((await add(["Debian"])).exit, 2);
  assert.equal(registry.requests.length, asked, "nothing was asked");
  assert.equal(readFileSync(at("roots.draft.json"), "utf8"), before);
});

test("roots add names what a tag is now beside what it was, or in its place, with the platforms of an index", async () => {
  const platform = putImage(registry, "next", "library/debian");
  const entry = { mediaType: OCI_IMAGE_MANIFEST, digest: platform.digest, size: 1 };
  const attestations = { ...entry, digest: alpine.digest, platform: { os: "unknown", architecture: "unknown" } };
  const manifests = [{ ...entry, platform: { os: "linux", architecture: "amd64" } }, attestations];
  const index = jsonBytes({ schemaVersion: 2, mediaType: OCI_IMAGE_INDEX, manifests });
  const digest = registry.putManifest("library/debian", index, OCI_IMAGE_INDEX, "13");
  const named = () =>
    readDraft().roots.flatMap((root) => (root.image === image("debian") ? [[root.digest, ...root.manifests]] : []));
  assert.equal((await add([image("debian:13")])).exit, 0);
  assert.deepEqual(named(), [[debian.digest], [digest, platform.digest]]);
  assert.equal((await add([image("debian:13")], { replace: true })).exit, 0);
  assert.deepEqual(named(), [[digest, platform.digest]]);
});

test("roots publish refuses what nobody could take up", async () => {
  const { roots } = JSON.parse(readFileSync(at("roots.draft.json"), "utf8"));
  const empty = write("empty.json", JSON.stringify({ version: 1, issuer: "x", roots: [] }));
  const nobody = write("nobody.json", JSON.stringify({ version: 1, roots }));
  const good = { feed: at("roots.draft.json"), key: at("roots.key"), expires: "30d", output: at("out.json") };
  const publish = (changes: object) =>
    called((surroundings) => rootsPublishCommand({ ...good, ...changes }, surroundings));
  for (const changes of [
    { feed: empty },
    { feed: nobody },
    { feed: at("roots.json") },
    { feed: at("absent.json") },
    { expires: "forever" },
    { key: at("roots.key.pub") },
  ])
    assert.equal((await publish(changes)).exit, 2, JSON.stringify(changes));
  assert.ok(!existsSync(at("out.json")));
  assert.equal((await publish({ feed: nobody, issuer: "somebody" })).exit, 0);
});

test("roots key makes a key once, and never over one that is there", async () => {
  const before = readFileSync(at("roots.key"), "utf8");
  const { exit, stdout } = await called((surroundings) => rootsKeyCommand({ output: at("roots.key") }, surroundings));
  assert.deepEqual([exit, stdout], [0, readFileSync(at("roots.key.pub"), "utf8")]);
  assert.equal(readFileSync(at("roots.key"), "utf8"), before);
  const other = write("no-key", "a shopping list");
  assert.equal((await called((surroundings) => rootsKeyCommand({ output: other }, surroundings))).exit, 2);
});

test("the feed that docs/roots.md shows is one", () => {
  const blocks = readMarkdown(page).blocks;
  const predicate = JSON.parse(blocks.find(({ info }) => info === "json")?.text ?? "");
  const subject = predicate.roots.map(({ digest }: FeedRoot) => ({ digest: { sha256: hexOf(digest) } }));
  const statement = { _type: "https://in-toto.io/Statement/v1", subject, predicateType: FEED_PREDICATE, predicate };
  assert.equal(parseRootsFeed(parseStatement(Buffer.from(JSON.stringify(statement)))).roots.length, 1);
  const policy = blocks.find(({ info }) => info === "yaml roots-from")?.text ?? "";
  assert.equal(parsePolicy(Buffer.from(policy), "policy.yml").rootsFrom.length, 1);
});

test("cosign verifies the feed about an image that it names, and about no other", async (t) => {
  const world = await toolchain(t, ["cosign"]);
  if (world === undefined) return;
  const [, command = ""] = /^(cosign .*)$/m.exec(page) ?? [];
  const shown = command.split(" ").slice(1);
  const verifyBlob = (digest: string) =>
    world.run(
      "cosign",
      shown.map((word) => (word === "HEX" ? digest : word)),
      { cwd: directory },
    );
  await verifyBlob(hexOf(debian.digest));
  await assert.rejects(verifyBlob("1".repeat(64)));
});
