import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Digest } from "../../src/image/digest.ts";
import { digestOf, parseDigest } from "../../src/image/digest.ts";
import type { ImageReference } from "../../src/image/reference.ts";
import {
  formatReference,
  ImageReferenceError,
  imageName,
  parseDockerReference,
  parseReference,
  pin,
  withDefaultTag,
} from "../../src/image/reference.ts";
import { bytesOf, shared } from "./shared.ts";

interface Answer {
  readonly string?: string;
  readonly domain?: string;
  readonly path?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly error?: string;
}

const corpus = shared("corpora/distribution-reference/cases.json");
const digest = digestOf(bytesOf("x"));

function answerOf(parse: (text: string) => ImageReference, text: string): Answer {
  try {
    const reference = parse(text);
    const { registry: domain, repository: path, ...rest } = reference;
    return { string: formatReference(reference), domain, path, ...rest };
  } catch (error) {
    assert.ok(error instanceof ImageReferenceError);
    assert.equal(error.code, "malformed-reference");
    return { error: error.code };
  }
}

function expected({ error, string, domain, path, tag, digest }: Answer): Answer {
  if (error !== undefined) return { error: "malformed-reference" };
  return { string, domain, path, ...(tag && { tag }), ...(digest && { digest }) } as Answer;
}

test("answers every case of distribution/reference as the library does", { skip: corpus.skip }, () => {
  const cases: Record<"parse_normalized_named" | "parse_docker_ref", Answer>[] & { input: string }[] = JSON.parse(
    readFileSync(corpus.path, "utf8"),
  );
  assert.ok(cases.length > 0, "no cases");
  for (const { input, parse_normalized_named, parse_docker_ref } of cases) {
    assert.deepEqual(answerOf(parseReference, input), expected(parse_normalized_named), input);
    assert.deepEqual(answerOf(parseDockerReference, input), expected(parse_docker_ref), input);
  }
});

test("refuses a host that is none, where distribution/reference answers a name without registry", () => {
  assert.throws(() => parseReference("my_host.com/app"), { code: "malformed-reference" });
  assert.equal(parseReference("my-host.com/app").registry, "my-host.com");
});

for (const [name, algorithm] of [
  ["another algorithm", `sha1:${"a".repeat(40)}`],
  ["an upper-case digest", digest.toUpperCase()],
  ["upper-case hexadecimal", `sha256:${"A".repeat(64)}`],
  ["a digest that is too long", `${digest}0`],
  ["two digests", `${digest}@${digest}`],
  ["an empty digest", ""],
] as const) {
  test(`refuses a reference with ${name}`, () => {
    assert.throws(() => parseReference(`alpine@${algorithm}`), { code: "malformed-reference" });
    assert.equal(parseReference(`alpine@${digest}`).digest, digest);
  });
}

test("accepts digests of sha384 and sha512", () => {
  for (const algorithm of ["sha384", "sha512"] as const) {
    const long = digestOf(bytesOf("x"), algorithm);
    assert.equal(parseReference(`alpine@${long}`).digest, long);
  }
});

for (const text of [
  "",
  ":",
  "@",
  "/",
  "a/",
  "a:",
  "a:b:c",
  "a b",
  "alpine\n",
  "\nalpine",
  "alpine:3\n",
  "ghcr.io/ａcme/app",
  "ghcr.io/acme/../app",
  "ghcr.io/acme/app:..",
  "http://ghcr.io/a",
  "oci-layout://x",
  `${"a".repeat(1025)}.com/app`,
]) {
  test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parseReference(text), { code: "malformed-reference" });
  });
}

test("keeps a tag beside a digest, which the docker command line drops", () => {
  const text = `alpine:3.19@${digest}`;
  assert.equal(formatReference(parseReference(text)), `docker.io/library/${text}`);
  assert.equal(formatReference(parseDockerReference(text)), `docker.io/library/alpine@${digest}`);
});

test("gives the default tag only to a reference without tag and digest", () => {
  const tagOf = (text: string) => withDefaultTag(parseReference(text)).tag;
  assert.equal(tagOf("alpine"), "latest");
  assert.equal(tagOf("alpine:3"), "3");
  assert.equal(tagOf(`alpine@${digest}`), undefined);
});

test("pins a reference and keeps its tag", () => {
  const pinned = pin(parseReference("ghcr.io/acme/app:1"), digest);
  assert.deepEqual(pinned, { registry: "ghcr.io", repository: "acme/app", tag: "1", digest });
  assert.equal(imageName(pinned), "ghcr.io/acme/app");
});

const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}$/);
const references: fc.Arbitrary<ImageReference> = fc
  .record({
    registry: fc.oneof(
      fc.constantFrom("docker.io", "localhost", "[::1]:5000", "Host"),
      fc.stringMatching(/^[a-z0-9]{1,9}\.[a-z]{2,4}(:[0-9]{1,5})?$/),
    ),
    components: fc.array(component, { minLength: 2, maxLength: 5 }),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/), { nil: undefined }),
    digest: fc.option(
      fc.stringMatching(/^[0-9a-f]{64}$/).map((hex): Digest => parseDigest(`sha256:${hex}`)),
      { nil: undefined },
    ),
  })
  .map(({ registry, components, tag, digest }) => ({
    registry,
    repository: components.join("/"),
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  }));

test("reads back whatever it writes", () => {
  fc.assert(
    fc.property(references, (reference) => assert.deepEqual(parseReference(formatReference(reference)), reference)),
  );
});

test("writes what it reads to a text that it reads the same, or throws its own error", () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^[a-zA-Z0-9.:/@_[\]-]{0,80}$/),
    references.map(formatReference),
  );
  fc.assert(
    fc.property(texts, (text) => {
      let reference: ImageReference;
      try {
        reference = parseReference(text);
      } catch (error) {
        assert.ok(error instanceof ImageReferenceError);
        return;
      }
      assert.deepEqual(parseReference(formatReference(reference)), reference);
    }),
  );
});
