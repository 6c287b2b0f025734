import assert from "node:assert/strict";
import { test } from "node:test";
import { readDockerfile } from "../../src/image/dockerfile/read.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { formatReference } from "../../src/image/reference.ts";
import type { PlatformReading } from "../../src/trust/forecast-parents.ts";
import { forecastOf, placeOf, toldOf } from "./dockerfiles.ts";
import { policyOf, World } from "./world.ts";

const platform = parsePlatform("linux/amd64");
const readingOf = (...lines: string[]): PlatformReading => ({
  platform,
  reading: readDockerfile(`${lines.join("\n")}\n`, { platform }),
});

test("R20 the main build context is no input that policy would have to allow", async () => {
  const world = new World();
  const base = formatReference(world.build("base").image);
  const reading = readingOf(
    `FROM ${base}`,
    "WORKDIR /app",
    "COPY . .",
    "ADD more.tar.gz /more/",
    'ENTRYPOINT ["/app"]',
  );
  const forecast = await forecastOf(world, [reading]);
  assert.deepEqual([toldOf(forecast), forecast.faults, reading.reading.others], ["trusted", [], []]);
});

test("R19 a stage knows the stage that it stands on, and none where it stands on an image or on nothing", () => {
  const { stages } = readingOf(
    "FROM alpine AS one",
    "FROM one AS two",
    "FROM scratch AS three",
    "FROM two",
    "COPY --from=three / /",
  ).reading;
  assert.deepEqual(
    stages.map(({ from }) => from),
    [undefined, 0, undefined, 1],
  );
});

test("R19 the image at the end of a chain of stages is the base, and what a stage in it copies from is an input", async () => {
  const world = new World();
  const [base, tool] = [world.build("base"), world.build("tool", { signed: "nothing" })];
  const reading = readingOf(
    `FROM ${formatReference(tool.image)} AS tool`,
    `FROM ${formatReference(base.image)} AS build`,
    "COPY --from=tool / /",
    "FROM build",
  );
  const roles = async (inputs: string) => {
    const forecast = await forecastOf(world, [reading], {
      policy: policyOf({ trust: `  roles: { inputs: ${inputs} }\n` }),
    });
    const named = forecast.parents.map(({ role, reference }) => `${role} ${reference.repository}`);
    return [forecast.outcome, ...named, ...forecast.faults.map(placeOf)];
  };
  assert.deepEqual(await roles("pinned"), ["trusted", "input acme/tool", "base acme/base"]);
  assert.deepEqual(await roles("attested"), ["untrusted", "input acme/tool", "base acme/base", "unattested 1"]);
});
