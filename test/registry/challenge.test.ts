import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChallenges } from "../../src/registry/challenge.ts";

type Expected = readonly (readonly [scheme: string, parameters: Readonly<Record<string, string>>])[];

const CASES: readonly (readonly [name: string, header: string, expected: Expected])[] = [
  [
    "Docker Hub's",
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/alpine:pull"',
    [
      [
        "bearer",
        {
          realm: "https://auth.docker.io/token",
          service: "registry.docker.io",
          scope: "repository:library/alpine:pull",
        },
      ],
    ],
  ],
  ["commas and quotes inside quotes", 'Basic realm="a, \\"b\\""', [["basic", { realm: 'a, "b"' }]]],
  [
    "two challenges",
    'Basic realm="x", Bearer realm="https://a/t", service=y',
    [
      ["basic", { realm: "x" }],
      ["bearer", { realm: "https://a/t", service: "y" }],
    ],
  ],
  [
    "one without parameters",
    'Negotiate, BASIC Realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    "one with a token68",
    'Negotiate abc==, Basic realm="x"',
    [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
    ],
  ],
  [
    "an address without quotes",
    "Bearer realm=https://x/token,service=a",
    [["bearer", { realm: "https://x/token", service: "a" }]],
  ],
  ["spaces and empty elements", ' , Basic  realm = "x" ,,', [["basic", { realm: "x" }]]],
  ["nothing", "", []],
  ["a parameter that is there twice", 'Bearer realm="https://a/",realm="https://b/"', []],
  ["a quote without end", 'Bearer realm="https://a/', []],
  ["parameters without commas", 'Bearer realm="https://a/" service="b"', []],
  ["something behind a good challenge", 'Bearer realm="https://a/", "', []],
  ["a header that is too long", `Bearer realm="${"a".repeat(10_000)}"`, []],
];

for (const [name, header, expected] of CASES) {
  test(`a challenge with ${name} is read`, () => {
    const read = parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
    assert.deepEqual(read, expected);
  });
}

test("reading a challenge ends for every text, and never throws", () => {
  const piece = fc.constantFrom("Bearer ", "Basic", " ", ",", "=", '"', "\\", "realm", "a==", "\t", "ü");
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join("")),
      (header) => void parseChallenges(header),
    ),
  );
  fc.assert(fc.property(fc.string(), (header) => void parseChallenges(header)));
});
