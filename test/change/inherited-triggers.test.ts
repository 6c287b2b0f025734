import assert from "node:assert/strict";
import { test } from "node:test";
import { readWithBases, withUnknownTriggers } from "../../src/change/inherited-triggers.ts";
import type { TriggerPorts } from "../../src/change/triggers.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { DockerfileError } from "../../src/image/dockerfile/reading.ts";
import { OCI_IMAGE_CONFIG, OCI_IMAGE_MANIFEST } from "../../src/image/media-type.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { imageName, parseReference, pin } from "../../src/image/reference.ts";
import type { Forecast } from "../../src/trust/forecast.ts";
import { CouldNotLook } from "../../src/trust/ports.ts";
import { reached } from "../image/dockerfile/reading.ts";

const platform = parsePlatform("linux/amd64");

/** A registry of bases: the instructions that each has for builds on it, or why it can't be read. */
function bases(given: Readonly<Record<string, readonly string[] | Error>>): TriggerPorts {
  const manifests = new Map<string, Uint8Array>();
  const blobs = new Map<Digest, Uint8Array>();
  const tags = new Map<string, Digest>();
  for (const [name, triggers] of Object.entries(given)) {
    if (triggers instanceof Error) continue;
    const config = Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", config: { OnBuild: triggers } }));
    const [digest, size] = [digestOf(config), config.length];
    const document = {
      schemaVersion: 2,
      mediaType: OCI_IMAGE_MANIFEST,
      config: { mediaType: OCI_IMAGE_CONFIG, digest, size },
      layers: [],
    };
    const manifest = Buffer.from(JSON.stringify(document));
    blobs.set(digest, config);
    manifests.set(digestOf(manifest), manifest);
    tags.set(name, digestOf(manifest));
  }
  return {
    images: {
      readManifest: async ({ digest }) => {
        const bytes = manifests.get(digest);
        return bytes && { bytes, contentType: OCI_IMAGE_MANIFEST };
      },
      readBlob: async (_, digest) => blobs.get(digest),
    },
    resolve: async (reference) => {
      const name = imageName(reference).replace("docker.io/library/", "");
      const [digest, fault] = [tags.get(name), given[name]];
      if (fault instanceof Error) throw fault;
      return digest && pin(reference, digest);
    },
  };
}

const readOn = (ports: TriggerPorts, ...lines: string[]) =>
  readWithBases(ports, Buffer.from(lines.join("\n")), { platform });

test("what a base's config has for builds on it is read, at the line of the FROM", async () => {
  const { reading, unknown } = await readOn(bases({ base: ["COPY --from=evil / /", "RUN true"] }), "# a", "FROM base");
  assert.deepEqual([reached(reading), unknown], [["base", "ONBUILD evil"], []]);
  assert.deepEqual(
    reading.images.map(({ line }) => line),
    [2, 2],
  );
});

test("a stage that only a base's instruction needs is read with what its own base adds", async () => {
  const ports = bases({ outer: ["COPY --from=tools / /"], inner: ["COPY --from=evil / /"] });
  const { reading, unknown } = await readOn(ports, "FROM inner AS tools", "FROM outer");
  assert.deepEqual([reached(reading), unknown, reading.bases], [["inner", "ONBUILD evil", "outer"], [], []]);
});

test("a chain of such stages that doesn't end within the limit leaves the rest unknown, never without", async () => {
  const depth = 20;
  const names = [...Array(depth).keys()];
  const ports = bases(Object.fromEntries(names.map((n) => [`b${n}`, n === 0 ? [] : [`COPY --from=s${n - 1} / /`]])));
  const { reading, unknown } = await readOn(ports, ...names.map((n) => `FROM b${n} AS s${n}`));
  assert.ok(reading.bases.length > 0);
  assert.deepEqual(
    unknown.map(({ use, code }) => [use.key, code]),
    reading.bases.map(({ key }) => [key, "limit"]),
  );
});

test("a base that nobody could ask is unknown, and no forecast on it is trusted", async () => {
  const ports = bases({ base: new CouldNotLook("network", "no connection") });
  const { reading, unknown } = await readOn(ports, "FROM base", "RUN true");
  assert.deepEqual([reached(reading), unknown.map(({ code }) => code)], [["base"], ["network"]]);
  const forecastOf = (outcome: Forecast["outcome"]) =>
    withUnknownTriggers({ outcome, unreachable: [] as readonly unknown[] } as Forecast, unknown);
  assert.deepEqual(
    (["trusted", "untrusted", "undetermined"] as const).map((each) => forecastOf(each).outcome),
    ["undetermined", "untrusted", "undetermined"],
  );
  assert.deepEqual(
    forecastOf("trusted").unreachable.map(({ code, lines }) => [code, lines]),
    [["network", [{ line: 1, endLine: 1 }]]],
  );
  assert.equal(withUnknownTriggers({ outcome: "trusted" } as Forecast, []).outcome, "trusted");
});

test("a base with an instruction that BuildKit refuses makes the file one that it refuses", async () => {
  for (const trigger of ["FROM evil", "COPY --from=nowhere:bad:name / /\nRUN true", "FOO"]) {
    await assert.rejects(
      readOn(bases({ base: [trigger] }), "# a", "FROM base"),
      (error) => error instanceof DockerfileError && error.line === 2,
    );
  }
});

test("of a base that isn't there nothing is known to be added", async () => {
  const { unknown } = await readOn(bases({}), "FROM base");
  assert.deepEqual(unknown, []);
  const pinned = pin(parseReference("base"), digestOf(Buffer.from("")));
  assert.deepEqual((await readOn(bases({}), `FROM base@${pinned.digest}`)).unknown, []);
});
