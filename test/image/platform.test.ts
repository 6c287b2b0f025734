import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Platform } from "../../src/image/platform.ts";
import {
  formatPlatform,
  isUnknown,
  normalizePlatform,
  PlatformError,
  parsePlatform,
  platformFallbacks,
  samePlatform,
} from "../../src/image/platform.ts";

for (const [text, canonical] of [
  ["linux/amd64", "linux/amd64"],
  ["linux/amd64/v1", "linux/amd64"],
  ["linux/amd64/v3", "linux/amd64/v3"],
  ["linux/x86_64", "linux/amd64"],
  ["linux/x86-64", "linux/amd64"],
  ["Linux/AMD64", "linux/amd64"],
  ["linux/i386", "linux/386"],
  ["linux/aarch64", "linux/arm64"],
  ["linux/arm64/v8", "linux/arm64"],
  ["linux/arm64/8", "linux/arm64"],
  ["linux/arm64/v8.1", "linux/arm64/v8.1"],
  ["linux/arm64/v9.0", "linux/arm64/v9"],
  ["linux/arm", "linux/arm/v7"],
  ["linux/arm/7", "linux/arm/v7"],
  ["linux/arm/6", "linux/arm/v6"],
  ["linux/armhf", "linux/arm/v7"],
  ["linux/armel", "linux/arm/v6"],
  ["macos/arm64", "darwin/arm64"],
  ["windows(10.0.17763.1)/amd64", "windows(10.0.17763.1)/amd64"],
  ["windows(10.0.17763+win32k+a)/amd64", "windows(10.0.17763+a+win32k)/amd64"],
  ["linux(+erofs)/amd64", "linux(+erofs)/amd64"],
  ["linux/ppc64le/power10", "linux/ppc64le/power10"],
  ["unknown/unknown", "unknown/unknown"],
] as const) {
  test(`normalises ${text} to ${canonical}, as containerd does`, () => {
    assert.equal(formatPlatform(parsePlatform(text)), canonical);
    assert.deepEqual(parsePlatform(canonical), parsePlatform(text));
  });
}

for (const text of [
  "",
  "linux",
  "arm64",
  "/",
  "linux/",
  "/amd64",
  "linux/amd64/",
  "linux/arm/v7/x",
  "linux/*",
  "lin ux/amd64",
  "linux/amd64\n",
  "linux(/amd64",
  "linux(%)/amd64",
  `linux/${"a".repeat(300)}`,
]) {
  test(`refuses ${JSON.stringify(text.slice(0, 30))} as a platform`, () => {
    assert.throws(() => parsePlatform(text), { code: "malformed-platform" });
  });
}

const fallbacksOf = (text: string) => platformFallbacks(parsePlatform(text)).map(formatPlatform);
const ARM = ["linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"];

for (const [text, fallbacks] of [
  ["linux/amd64", ["linux/386"]],
  ["linux/amd64/v3", ["linux/amd64/v2", "linux/amd64", "linux/386"]],
  ["linux/386", []],
  ["linux/arm", ["linux/arm/v6", "linux/arm/v5"]],
  ["linux/arm/v8", ARM.slice(1)],
  ["linux/arm/v5", []],
  ["linux/arm/v4", []],
  ["linux/arm64", ARM],
  ["linux/arm64/v8.2", ["linux/arm64/v8.1", "linux/arm64", ...ARM]],
  [
    "linux/arm64/v9.1",
    [
      "linux/arm64/v9",
      "linux/arm64/v8.6",
      "linux/arm64/v8.5",
      "linux/arm64/v8.4",
      "linux/arm64/v8.3",
      "linux/arm64/v8.2",
      "linux/arm64/v8.1",
      "linux/arm64",
      ...ARM,
    ],
  ],
  ["linux/amd64/v999999999", ["linux/386"]],
  ["linux/s390x", []],
  ["windows(10.0.17763)/amd64", ["windows(10.0.17763)/386"]],
] as const) {
  test(`offers in place of ${text} what BuildKit takes, best first`, () =>
    assert.deepEqual(fallbacksOf(text), fallbacks));
}

test("compares platforms in their normal form", () => {
  const same = (a: string, b: string) => samePlatform(parsePlatform(a), parsePlatform(b));
  assert.equal(
    samePlatform({ os: "linux", architecture: "aarch64", variant: "v8" }, { os: "linux", architecture: "arm64" }),
    true,
  );
  assert.equal(same("linux/arm", "linux/arm/v7"), true);
  assert.equal(same("linux/arm/v6", "linux/arm/v7"), false);
  assert.equal(same("linux/amd64", "linux/amd64/v2"), false);
  assert.equal(same("linux/amd64", "windows/amd64"), false);
});

test("compares the system's version and features only where both are told", () => {
  const same = (a: string, b: string) => samePlatform(parsePlatform(a), parsePlatform(b));
  assert.equal(same("windows(10.0.1)/amd64", "windows/amd64"), true);
  assert.equal(same("windows(10.0.1)/amd64", "windows(10.0.2)/amd64"), false);
  assert.equal(same("linux(+a+b)/amd64", "linux(+b+a)/amd64"), true);
  assert.equal(same("linux(+a)/amd64", "linux(+b)/amd64"), false);
  assert.equal(same("linux(+a)/amd64", "linux/amd64"), true);
});

test("knows the mark of what doesn't run", () => {
  assert.equal(isUnknown({ os: "unknown", architecture: "unknown" }), true);
  assert.equal(isUnknown({ os: "linux", architecture: "unknown" }), false);
});

const option = fc.string({ minLength: 1, maxLength: 12, unit: "binary" }).map((text) => text.toWellFormed());
const platforms: fc.Arbitrary<Platform> = fc.record(
  {
    os: fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
    architecture: fc.oneof(
      fc.constantFrom("arm", "arm64", "aarch64", "amd64", "x86_64", "i386", "armhf"),
      fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/),
    ),
    variant: fc.oneof(fc.constantFrom("v1", "v8", "7", "v9.0"), fc.stringMatching(/^[A-Za-z0-9_.-]{1,4}$/)),
    osVersion: option,
    osFeatures: fc.array(option, { maxLength: 2 }),
  },
  { requiredKeys: ["os", "architecture"] },
);

test("reads back whatever platform it writes", () => {
  fc.assert(
    fc.property(platforms, (platform) => {
      const text = formatPlatform(platform);
      fc.pre(text.length <= 256);
      assert.deepEqual(parsePlatform(text), normalizePlatform(platform));
    }),
  );
});

test("normalises once and for all, and never makes a platform its own fallback", () => {
  fc.assert(
    fc.property(platforms, (platform) => {
      const normal = normalizePlatform(platform);
      assert.deepEqual(normalizePlatform(normal), normal);
      assert.ok(samePlatform(platform, normal));
      assert.ok(platformFallbacks(platform).every((fallback) => !samePlatform(fallback, platform)));
    }),
  );
});

test("throws its own error on any text that it can't read", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9()+%/.]{0,30}$/)), (text) => {
      try {
        parsePlatform(text);
      } catch (error) {
        assert.ok(error instanceof PlatformError);
      }
    }),
  );
});

test("writes a platform out of a hostile document without failing", () => {
  assert.equal(
    formatPlatform({ os: "linux", architecture: "amd64", osVersion: "\ud800)/x" }),
    "linux(%EF%BF%BD%29%2Fx)/amd64",
  );
});
