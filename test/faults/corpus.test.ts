import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { verifyCommand } from "../../src/cli/verify.ts";
import { type VerdictDocument, verdictSchema } from "../../src/report/json.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { type Case, CORPUS_VERSION, cases, type Expected, writeCorpus } from "./corpus.ts";
import type { Document } from "./document.ts";

const ALL = cases();

/** Cases that need nothing beside their files: of each code the first, and of each rule one that is trusted. */
const SAMPLE: readonly Case[] = [
  ...Map.groupBy(
    ALL.filter(({ needs }) => needs.length === 0),
    ({ mutation }) => ("code" in mutation ? mutation.code : mutation.rule),
  ).values(),
].flatMap(([first]) => first ?? []);
/** One of each kind of need. */
const NEEDY: readonly Case[] = [
  ...Map.groupBy(
    ALL.filter(({ needs }) => needs.length > 0),
    ({ needs }) => needs.join(),
  ).values(),
].flatMap(([first]) => first ?? []);

const directory = mkdtempSync(join(tmpdir(), "corpus-"));
let registry: OciRegistry;
before(async () => {
  registry = await startOciRegistry();
  await writeCorpus(directory, registry.host, [...SAMPLE, ...NEEDY]);
});
after(async () => {
  rmSync(directory, { recursive: true, force: true });
  await registry.close();
});

const pathOf = (id: string, ...rest: readonly string[]) => join(directory, "cases", id, ...rest);
const expectedOf = (id: string) => JSON.parse(readFileSync(pathOf(id, "expected.json"), "utf8")) as Expected;

interface LayoutIndex {
  readonly manifests: readonly {
    readonly mediaType: string;
    readonly digest: string;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

/** Pushes a layout as the corpus' README says, and knows of it nothing else. */
function push(id: string): void {
  const blob = (digest: string) => {
    try {
      return readFileSync(pathOf(id, "layout", "blobs", digest.replace(":", "/")));
    } catch {
      return undefined;
    }
  };
  const { manifests } = JSON.parse(readFileSync(pathOf(id, "layout", "index.json"), "utf8")) as LayoutIndex;
  for (const { mediaType, digest, annotations } of manifests) {
    const name = annotations["org.opencontainers.image.ref.name"] ?? "";
    const [, repository = "", tag] = /^[^/]+\/([^:@]+)(?::([^@]+))?/.exec(name) ?? [];
    const bytes = blob(digest);
    assert.ok(bytes, digest);
    registry.putManifest(repository, bytes, mediaType, tag);
    for (const each of bytes.toString().matchAll(/"digest": ?"(sha256:[0-9a-f]{64})"/g)) {
      const part = blob(each[1] ?? "");
      if (part !== undefined) registry.putBlob(repository, part);
    }
  }
}

/** The command, in this process: there are many cases. */
async function verify(image: string, id: string, ...more: readonly string[]): Promise<VerdictDocument> {
  let text = "";
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const stream = (to: (chunk: string) => boolean) => ({ write: to }) as unknown as NodeJS.WriteStream;
  await verifyCommand(
    {
      images: [image],
      policy: pathOf(id, "policy.yml"),
      trustedRoot: [pathOf(id, "trusted_root.json")],
      allowHost: [],
      bundles: [],
      offline: more.includes("offline"),
      output: "json",
      ...(more.includes("offline") && { as: expectedOf(id).image }),
    },
    {
      env: {},
      homeDirectory: directory,
      stdin: process.stdin,
      stdout: stream(write),
      stderr: stream(() => true),
      now: () => new Date(),
    },
  );
  return verdictSchema.parse(JSON.parse(text));
}

/** What keeps the image from being trusted, as the corpus tells it. */
function told({ faults, unreachable, nodes }: VerdictDocument): Expected["told"] {
  return [...faults, ...unreachable].map(({ node, code }) => {
    const image = nodes.find(({ id }) => id === node);
    return {
      image: image?.reference.replace(/(?::[^/@]*)?(?:@.*)?$/, "") ?? "",
      finding: image?.finding.kind ?? "",
      code,
    };
  });
}

for (const { id, mutation } of SAMPLE) {
  test(`${mutation.rule} the command comes to the corpus' verdict on ${id}`, async () => {
    const { image, ...expected } = expectedOf(id);
    push(id);
    const verdict = await verify(image, id);
    const got = told(verdict).map((each, i) => {
      const name = expected.told[i]?.image;
      return name === "other" || name === "dependency" ? { ...each, image: name } : each;
    });
    assert.deepEqual([verdict.verdict, got], [expected.verdict, expected.told]);
    if (expected.level !== undefined) assert.equal(verdict.level, expected.level);
  });
}

test("no case is trusted from its layout alone that isn't trusted, and what is wrong with the image itself is told as there", async () => {
  const untold: string[] = [];
  for (const { id } of SAMPLE) {
    const { digest, image, verdict: expected, told: wanted } = expectedOf(id);
    if (digest === undefined) continue;
    const verdict = await verify(`oci:${pathOf(id, "layout")}@${digest}`, id, "offline");
    if (expected !== "trusted") assert.notEqual(verdict.verdict, "trusted", id);
    // What a layout lacks isn't known to be lacking, but for the image itself.
    const isOwn = wanted.every((each) => image.startsWith(`${each.image}:`));
    if (expected === "trusted" ? verdict.verdict !== "trusted" : isOwn && told(verdict)[0]?.code !== wanted[0]?.code)
      untold.push(`${id}: ${verdict.verdict} ${told(verdict)[0]?.code}`);
  }
  assert.deepEqual(untold, []);
});

test("every mutation is a case, under a name of its own, and those that a layout can't hold say what they need", () => {
  const ids = ALL.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const { id, needs } of NEEDY) {
    const expected = expectedOf(id);
    assert.equal(expected.version, CORPUS_VERSION);
    assert.deepEqual(expected.needs, needs);
  }
  const list = JSON.parse(readFileSync(join(directory, "corpus.json"), "utf8")) as Document;
  assert.equal((list.cases as unknown[]).length, SAMPLE.length + NEEDY.length);
});
