import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { PackageURL } from "packageurl-js";
import { formatDockerPurl, PurlError, parseDockerPurl } from "../../src/attestation/purl.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference, parseReference } from "../../src/image/reference.ts";
import { shared } from "../image/shared.ts";

const hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const digest = `sha256:${hex}`;

// The first rows are those of BuildKit's own util/purl/image_test.go.
const reads: readonly (readonly [purl: string, reference: string, kind?: string])[] = [
  ["pkg:docker/alpine@latest", "docker.io/library/alpine:latest"],
  ["pkg:docker/alpine", "docker.io/library/alpine:latest"],
  [`pkg:docker/alpine?digest=${digest}`, `docker.io/library/alpine@${digest}`],
  [`pkg:docker/library/alpine@3.15?digest=${digest}`, `docker.io/library/alpine:3.15@${digest}`],
  ["pkg:docker/ghcr.io/foo/bar@v2", "ghcr.io/foo/bar:v2"],
  ["pkg:docker/bitnami/node@20", "docker.io/bitnami/node:20"],
  ["pkg:docker/127.0.0.1:5000/base@1.0.0", "127.0.0.1:5000/base:1.0.0"],
  ["pkg:docker/127.0.0.1%3A5000/base@1.0.0", "127.0.0.1:5000/base:1.0.0"],
  ["pkg:docker/localhost:5000/a/b/c@1", "localhost:5000/a/b/c:1"],
  ["pkg:docker/[::1]:5000/base@1", "[::1]:5000/base:1"],
  [`pkg:docker/alpine@${digest}`, `docker.io/library/alpine@${digest}`],
  [`pkg:docker/alpine@sha256%3A${hex}`, `docker.io/library/alpine@${digest}`],
  [`pkg:docker/alpine@${digest}?digest=${digest}`, `docker.io/library/alpine@${digest}`],
  [`pkg:docker/alpine?digest=sha256%3A${hex}`, `docker.io/library/alpine@${digest}`],
  ["pkg:oci/layout@1", "docker.io/library/layout:1", "oci-layout"],
  [`pkg:docker/ghcr.io/a/b?digest=${digest}&ref_type=blob`, `ghcr.io/a/b@${digest}`, "blob"],
  [
    `pkg:docker/ghcr.io/a/b?digest=${digest}&ref_type=bundle&vcs_url=https%3A%2F%2Fgithub.com%2Fa%2Fb.git`,
    `ghcr.io/a/b@${digest}`,
    "blob",
  ],
  [`pkg:oci/a?digest=${digest}&ref_type=blob`, `docker.io/library/a@${digest}`, "oci-layout"],
];

for (const [purl, reference, kind = "image"] of reads) {
  test(`reads ${purl.slice(0, 90)}`, () => {
    const parsed = parseDockerPurl(purl);
    assert.equal(formatReference(parsed.reference), reference);
    assert.equal(parsed.kind, kind);
  });
}

test("reads the platform, and normalises it", () => {
  assert.deepEqual(
    parseDockerPurl("pkg:docker/a@1?platform=linux%2Farm64%2Fv8").platform,
    parsePlatform("linux/arm64"),
  );
  assert.deepEqual(parseDockerPurl("pkg:docker/a@1?platform=linux/arm/v7").platform, parsePlatform("linux/arm/v7"));
  assert.equal(parseDockerPurl("pkg:docker/a@1").platform, undefined);
});

const refuses: readonly (readonly [why: string, purl: string])[] = [
  ["no type", "pkg:busybox@latest"],
  ["another type", "pkg:npm/left-pad@1"],
  ["another scheme", "docker-image://alpine"],
  ["a type in upper case", "pkg:Docker/alpine@1"],
  ["an authority", "pkg://docker/alpine@1"],
  ["nothing", ""],
  ["no name", "pkg:docker/"],
  ["an empty part", "pkg:docker/ghcr.io//base@1"],
  ["a name in upper case", "pkg:docker/ghcr.io/Acme/base@1"],
  ["a subpath", "pkg:docker/alpine@1#usr"],
  ["a qualifier that is not known", "pkg:docker/alpine@1?repository_url=evil.example"],
  ["a qualifier twice", `pkg:docker/alpine?digest=${digest}&digest=sha256:${"0".repeat(64)}`],
  ["a qualifier in another case", `pkg:docker/alpine@1?Digest=${digest}`],
  ["a version and a digest that disagree", `pkg:docker/alpine@sha256:${"0".repeat(64)}?digest=${digest}`],
  ["a digest in upper case", `pkg:docker/alpine?digest=sha256:${hex.toUpperCase()}`],
  ["a short digest", `pkg:docker/alpine?digest=sha256:${hex.slice(1)}`],
  ["a sha1 digest", `pkg:docker/alpine?digest=sha1:${"0".repeat(40)}`],
  ["a version that is a malformed digest", `pkg:docker/alpine@sha256:${hex.slice(1)}`],
  ["a slash inside a part", "pkg:docker/ghcr.io%2Facme/base@1"],
  ["an at sign inside a part", `pkg:docker/alpine%40${digest}`],
  ["a colon inside a part", "pkg:docker/ghcr.io/acme/base%3A1@2"],
  ["a line break", "pkg:docker/al\npine@1"],
  ["a space", "pkg:docker/alpine@1 "],
  ["broken percent-encoding", "pkg:docker/alp%ine@1"],
  ["percent-encoding that is no UTF-8", "pkg:docker/alpine@%ff"],
  ["an unknown ref_type", `pkg:docker/a?digest=${digest}&ref_type=archive`],
  ["a vcs_url of no bundle", "pkg:docker/a@1?vcs_url=https%3A%2F%2Fx"],
  ["a platform that is none", "pkg:docker/a@1?platform=linux"],
  ["more than four thousand characters", `pkg:docker/${"a".repeat(5000)}@1`],
];

for (const [why, purl] of refuses) {
  test(`refuses a package URL with ${why}`, () => {
    assert.throws(
      () => parseDockerPurl(purl),
      (error) => error instanceof PurlError && error.code === "malformed-purl",
    );
  });
}

test("writes what it reads, as BuildKit does", () => {
  const platform = parsePlatform("linux/amd64");
  const write = (text: string) => formatDockerPurl(parseReference(text), platform);
  assert.equal(write("alpine"), "pkg:docker/alpine@latest?platform=linux%2Famd64");
  assert.equal(write(`alpine@${digest}`), `pkg:docker/alpine?digest=${digest}&platform=linux%2Famd64`);
  assert.equal(
    write(`127.0.0.1:5000/base:1@${digest}`),
    `pkg:docker/127.0.0.1:5000/base@1?digest=${digest}&platform=linux%2Famd64`,
  );
  assert.equal(write("docker.io/foo.bar/x:1"), "pkg:docker/docker.io/foo.bar/x@1?platform=linux%2Famd64");
});

test("every reference survives being written and read", () => {
  const part = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?$/);
  const host = fc.constantFrom("docker.io", "localhost:5000", "ghcr.io", "127.0.0.1:5000", "[::1]:80");
  const reference = fc.record({
    host,
    parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
    pinned: fc.boolean(),
  });
  fc.assert(
    fc.property(reference, ({ host, parts, tag, pinned }) => {
      const text = `${host}/${parts.join("/")}${tag === null ? "" : `:${tag}`}${pinned ? `@${digest}` : ""}`;
      const expected = tag === null && !pinned ? `${text}:latest` : text;
      const parsed = parseDockerPurl(formatDockerPurl(parseReference(text)));
      assert.deepEqual(parsed.reference, parseReference(expected));
    }),
  );
});

test("a package URL is read or refused, whatever the text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ unit: "binary" }).map((text) => `pkg:docker/${text}`),
      ),
      (purl) => {
        try {
          parseDockerPurl(purl);
        } catch (error) {
          assert.ok(error instanceof PurlError);
        }
      },
    ),
  );
});

for (const [folder, pattern] of [
  ["samples/buildkit", "*/manifest*.layer0.json"],
  ["corpora/provenance-samples/statements", "*.json"],
] as const) {
  const { path, skip } = shared(folder);
  test(`agrees with packageurl-js on every package URL in ${folder}`, { skip }, () => {
    const purls = new Set(
      globSync(pattern, { cwd: path }).flatMap((file) =>
        [...readFileSync(join(path, file), "utf8").matchAll(/"uri": ?"(pkg:[^"]+)"/g)].map(
          ([, purl = ""]) => JSON.parse(`"${purl}"`) as string,
        ),
      ),
    );
    assert.ok(purls.size > 3, `${purls.size} package URLs`);
    for (const purl of purls) {
      const { namespace, name, version, qualifiers } = PackageURL.fromString(purl);
      const pinned = qualifiers?.digest;
      const text = `${namespace ? `${namespace}/` : ""}${name}${version ? `:${version}` : ""}${pinned ? `@${pinned}` : ""}`;
      const parsed = parseDockerPurl(purl);
      assert.deepEqual(parsed.reference, parseReference(text), purl);
      const platform = qualifiers?.platform;
      assert.deepEqual(parsed.platform, platform === undefined ? undefined : parsePlatform(platform), purl);
      assert.equal(parsed.kind, "image");
    }
  });
}
