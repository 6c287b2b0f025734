import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FoundFile, FoundRepository } from "../../src/change/found-repository.ts";
import { buildsFrom, MAX_BUILDS, tagPattern } from "../../src/change/onboarding-builds.ts";
import { parseReference } from "../../src/image/reference.ts";
import { compileGlob } from "../../src/trust/glob.ts";

const repository = { id: 99, ownerId: 1234, owner: "Acme-Corp", name: "App", installation: 5, isPrivate: false };

function found(
  files: Readonly<Record<string, string>>,
  others: Partial<Pick<FoundRepository, "tags" | "workflows">> & {
    readonly paths?: readonly string[];
    readonly name?: string;
  } = {},
): FoundRepository {
  const dockerfiles: readonly FoundFile[] = Object.entries(files).map(([path, text]) => ({ path, text }));
  return {
    repository: { ...repository, name: others.name ?? repository.name },
    paths: new Set([...Object.keys(files), ...(others.paths ?? [])]),
    dockerfiles,
    workflows: others.workflows ?? [],
    tags: others.tags ?? [],
  };
}

test("one Dockerfile makes the image of the repository's name, in lower case, from its root", () => {
  assert.deepEqual(buildsFrom(found({ Dockerfile: "FROM scratch" })), {
    builds: [
      {
        path: "Dockerfile",
        image: "ghcr.io/acme-corp/app",
        dockerfile: "Dockerfile",
        context: undefined,
        platforms: undefined,
        tags: ["v*"],
      },
    ],
    aside: [],
  });
});

test("several Dockerfiles make several images, each with what tells it apart, and no name twice", () => {
  const files = {
    Dockerfile: "",
    "Dockerfile.alpine": "",
    "api/Dockerfile": "",
    "api-/x.dockerfile": "",
    "API/Dockerfile": "",
    "api/x.Dockerfile": "",
  };
  const images = buildsFrom(found(files)).builds.map(({ image }) => image.replace("ghcr.io/acme-corp/", ""));
  assert.deepEqual(images, ["app", "app-alpine", "app-api", "app-api-x", "app-api-2", "app-api-x-2"]);
});

test("the context is the Dockerfile's directory, or the root where only there is what it copies", () => {
  const paths = ["api/main.go", "go.mod", "cmd/main.go"];
  const place = (text: string) => {
    const [build] = buildsFrom(found({ "api/Dockerfile": text }, { paths })).builds;
    return [build?.context, build?.dockerfile];
  };
  assert.deepEqual(place("FROM scratch\nCOPY main.go /\n"), ["api", "Dockerfile"]);
  assert.deepEqual(place("FROM scratch\nCOPY --chown=1 ./go.mod cmd /src/\n"), [undefined, "api/Dockerfile"]);
  assert.deepEqual(place("FROM scratch\nCOPY --from=x go.mod /\nCOPY . .\n"), ["api", "Dockerfile"]);
});

test("platforms are proposed only where the repository's workflows say for which it builds", () => {
  const workflow = (text: string) => [{ path: ".github/workflows/x.yml", text }];
  const platforms = (text: string) =>
    buildsFrom(found({ Dockerfile: "" }, { workflows: workflow(text) })).builds[0]?.platforms;
  assert.deepEqual(platforms("with:\n  platforms: linux/amd64, linux/arm64\n"), ["linux/amd64", "linux/arm64"]);
  assert.deepEqual(platforms('  platforms: ["linux/arm/v7"]'), ["linux/arm/v7"]);
  for (const text of ["", `platforms: ${"$"}{{ matrix.platform }}`, "platforms: windows/amd64", "platforms:"])
    assert.equal(platforms(text), undefined, text);
});

test("git tags are built that look like most versions there are", () => {
  const patterns = [
    [[], "v*"],
    [["nightly", "latest"], "v*"],
    [["v1.0.0", "v1.1.0", "1.0.0"], "v*"],
    [["1.0.0", "1.1"], "*.*"],
    [["release-1.0", "release-1.1"], "release-*"],
    [["api/v1.0.0", "pkg@1.0.0"], "v*"],
  ] as const;
  for (const [tags, pattern] of patterns) assert.equal(tagPattern(tags), pattern, tags.join());
});

test("Dockerfiles of tests and of others' code are set aside, and so is what is beyond the limit, each told", () => {
  const { builds, aside } = buildsFrom(
    found({ Dockerfile: "", "test/Dockerfile": "", "node_modules/x/Dockerfile": "" }),
  );
  assert.deepEqual(
    [builds.map(({ path }) => path), aside],
    [["Dockerfile"], ["test/Dockerfile", "node_modules/x/Dockerfile"]],
  );
  assert.deepEqual(buildsFrom(found({ "test/Dockerfile": "" })).builds.length, 1);
  const many = Object.fromEntries(Array.from({ length: MAX_BUILDS + 3 }, (_, i) => [`d${i}/Dockerfile`, ""]));
  const all = buildsFrom(found(many));
  assert.deepEqual([all.builds.length, all.aside.length], [MAX_BUILDS, 3]);
});

test("a path that the builder would read as something else is set aside", () => {
  for (const path of [
    "a\n/Dockerfile",
    'a"/Dockerfile',
    "a:b/Dockerfile",
    "-x/Dockerfile",
    "a#b/Dockerfile",
    "x/../Dockerfile",
    "\u202e/Dockerfile",
  ])
    assert.deepEqual(buildsFrom(found({ [path]: "" })), { builds: [], aside: [path] }, path);
});

test("whatever a repository and its files are called, images have names and patterns compile", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  const path = fc
    .tuple(text, fc.constantFrom("Dockerfile", "Dockerfile.x", "_.Dockerfile"))
    .map(([a, b]) => `${a}/${b}`);
  const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,100}$/);
  fc.assert(
    fc.property(
      name,
      fc.uniqueArray(path, { maxLength: 5 }),
      fc.array(text, { maxLength: 5 }),
      text,
      (name, paths, tags, words) => {
        const files = Object.fromEntries(paths.map((each) => [each, words]));
        const { builds } = buildsFrom(found(files, { name, tags }));
        assert.equal(new Set(builds.map(({ image }) => image)).size, builds.length);
        for (const { image, tags: patterns } of builds) {
          assert.equal(parseReference(image).registry, "ghcr.io");
          patterns.forEach(compileGlob);
        }
      },
    ),
  );
});
