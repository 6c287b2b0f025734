import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { baseOf, claimsOf, copy, file, image, listed, merge, recordOf, result, run, source } from "./documents.ts";

const alpine = image("alpine", "docker.io/library/alpine:3", "a");
const busybox = image("busybox", "docker.io/library/busybox:1", "b");
const local = source("local", "local://context");
const A = "docker.io/library/alpine:3 a";
const B = "docker.io/library/busybox:1 b";

const graphs: readonly {
  readonly name: string;
  readonly llb: readonly unknown[];
  readonly base: string;
  readonly steps?: number;
  readonly inputs?: readonly string[];
}[] = [
  { name: "an image as it is", llb: [alpine, result("r", "alpine:0")], base: A, steps: 0 },
  { name: "a command", llb: [alpine, run("x", ["alpine:0"]), result("r", "x:0")], base: A, steps: 1 },
  {
    name: "a command with another image mounted",
    llb: [
      alpine,
      busybox,
      run("x", ["alpine:0", "busybox:0"], {
        mounts: [{ dest: "/m", input: 1, output: -1, readonly: true }, { dest: "/" }],
      }),
      result("r", "x:0"),
    ],
    base: A,
    steps: 1,
    inputs: [B],
  },
  {
    name: "a command whose root is mounted elsewhere as well",
    llb: [alpine, run("x", ["alpine:0"], { mounts: [{ dest: "/" }, { dest: "/m", output: -1 }] }), result("r", "x:0")],
    base: A,
    steps: 1,
    inputs: [A],
  },
  {
    name: "the output of a mount that is not the command's root",
    llb: [
      alpine,
      run("x", ["alpine:0"], {
        mounts: [
          { dest: "/", output: -1 },
          { dest: "/out", input: -1, output: 1 },
        ],
      }),
      result("r", "x:1"),
    ],
    base: "scratch",
    steps: 1,
    inputs: [A],
  },
  {
    name: "a copy",
    llb: [alpine, busybox, file("f", ["alpine:0", "busybox:0"], [copy(0, 1)]), result("r", "f:0")],
    base: A,
    steps: 1,
    inputs: [B],
  },
  {
    name: "a copy the other way round: what is copied from is never the base",
    llb: [alpine, busybox, file("f", ["alpine:0", "busybox:0"], [copy(1, 0)]), result("r", "f:0")],
    base: B,
    steps: 1,
    inputs: [A],
  },
  {
    name: "a copy of an image onto itself",
    llb: [alpine, file("f", ["alpine:0"], [copy(0, 0)]), result("r", "f:0")],
    base: A,
    steps: 1,
    inputs: [A],
  },
  {
    name: "a copy onto nothing",
    llb: [alpine, file("f", ["alpine:0"], [copy(-1, 0)]), result("r", "f:0")],
    base: "scratch",
    steps: 1,
    inputs: [A],
  },
  {
    name: "actions that build on each other",
    llb: [
      alpine,
      local,
      file(
        "f",
        ["local:0", "alpine:0"],
        [copy(1, 0, -1), { Action: { mkdir: {} }, input: 2, secondaryInput: -1, output: -1 }, copy(3, 0, 0)],
      ),
      result("r", "f:0"),
    ],
    base: A,
    steps: 1,
  },
  {
    name: "a copy from what another action made of the base",
    llb: [
      alpine,
      file("f", ["alpine:0"], [{ Action: { mkdir: {} }, secondaryInput: -1, output: -1 }, copy(0, 1, 0)]),
      result("r", "f:0"),
    ],
    base: A,
    steps: 1,
    inputs: [A],
  },
  {
    name: "a directory made on an image, its secondary input left out",
    llb: [
      alpine,
      busybox,
      file("f", ["alpine:0"], [{ Action: { mkdir: {} } }]),
      run("x", ["f:0", "busybox:0"]),
      result("r", "x:0"),
    ],
    base: A,
    steps: 2,
    inputs: [B],
  },
  {
    name: "a linked copy",
    llb: [
      alpine,
      busybox,
      file("f", ["busybox:0"], [copy(-1, 0)]),
      merge("m", ["alpine:0", "f:0"]),
      result("r", "m:0"),
    ],
    base: A,
    steps: 1,
    inputs: [B],
  },
  {
    name: "another image merged on top: its layers are in the result, and nobody counted them",
    llb: [alpine, busybox, merge("m", ["alpine:0", "busybox:0"]), result("r", "m:0")],
    base: A,
    inputs: [B],
  },
  {
    name: "an image hidden behind a merge onto nothing: that is not scratch",
    llb: [local, alpine, file("f", ["local:0"], [copy(-1, 0)]), merge("m", ["f:0", "alpine:0"]), result("r", "m:0")],
    base: "unknown",
    inputs: [A],
  },
  {
    name: "linked copies onto nothing",
    llb: [
      local,
      file("f", ["local:0"], [copy(-1, 0)]),
      file("g", ["local:0"], [copy(-1, 0)]),
      merge("m", ["f:0", "g:0"]),
      result("r", "m:0"),
    ],
    base: "scratch",
    steps: 2,
  },
  {
    name: "an image merged with itself",
    llb: [alpine, merge("m", ["alpine:0", "alpine:0"]), result("r", "m:0")],
    base: A,
    inputs: [A],
  },
  {
    name: "an image that is base here and builder there",
    llb: [alpine, run("x", ["alpine:0"]), file("f", ["alpine:0", "x:0"], [copy(0, 1)]), result("r", "f:0")],
    base: A,
    steps: 1,
    inputs: [A],
  },
  {
    name: "a difference",
    llb: [
      alpine,
      { id: "d", inputs: ["alpine:0"], op: { Op: { diff: { lower: { input: -1 }, upper: {} } } } },
      result("r", "d:0"),
    ],
    base: "unknown",
    inputs: [A],
  },
  { name: "local content as the root", llb: [local, result("r", "local:0")], base: "unknown" },
  {
    name: "a file as the root",
    llb: [source("h", "https://example.test/rootfs.tar"), result("r", "h:0")],
    base: "unknown",
  },
  {
    name: "a source step that nothing uses",
    llb: [alpine, busybox, result("r", "alpine:0")],
    base: A,
    steps: 0,
    inputs: [B],
  },
];

for (const { name, llb, base, steps, inputs = [] } of graphs) {
  test(`finds what lies under ${name}`, () => {
    const record = recordOf({ llb });
    assert.equal(baseOf(record), base);
    assert.equal(record.steps, steps);
    const expected = [
      ...(record.base.kind === "image" ? [`base ${base} llb`] : []),
      ...inputs.map((input) => `input ${input} llb`),
    ];
    assert.deepEqual(claimsOf(record), expected.sort());
    assert.deepEqual(record.unresolved, []);
  });
}

const broken: readonly (readonly [name: string, llb: readonly unknown[]])[] = [
  ["two steps of one id", [alpine, image("alpine", "docker.io/library/busybox:1", "b"), result("r", "alpine:0")]],
  ["a step that builds on nothing known", [alpine, run("x", ["gone:0"]), result("r", "x:0")]],
  ["a ring", [alpine, run("x", ["y:0"]), run("y", ["x:0"]), result("r", "x:0")]],
  ["a ring beside the chain", [alpine, run("x", ["y:0"]), run("y", ["x:0"]), result("r", "alpine:0")]],
  ["a step on itself", [run("x", ["x:0"]), result("r", "x:0"), alpine]],
  ["two results", [alpine, result("r", "alpine:0"), result("s", "alpine:0")]],
  ["no result", [alpine, run("x", ["alpine:0"])]],
  ["a result of two", [alpine, busybox, { id: "r", inputs: ["alpine:0", "busybox:0"], op: { Op: null } }]],
  ["a result that goes on", [alpine, result("r", "alpine:0"), run("x", ["r:0"])]],
  ["an output that the source hasn't", [alpine, result("r", "alpine:1")]],
  ["an output that the command hasn't", [alpine, run("x", ["alpine:0"]), result("r", "x:1")]],
  [
    "two mounts of one output",
    [
      alpine,
      busybox,
      run("x", ["alpine:0", "busybox:0"], { mounts: [{ dest: "/" }, { dest: "/", input: 1 }] }),
      result("r", "x:0"),
    ],
  ],
  [
    "a cache as the result",
    [alpine, run("x", ["alpine:0"], { mounts: [{ dest: "/", mountType: 3 }] }), result("r", "x:0")],
  ],
  [
    "a mount of an input that isn't there",
    [alpine, run("x", ["alpine:0"], { mounts: [{ dest: "/", input: 1 }] }), result("r", "x:0")],
  ],
  ["two actions of one output", [alpine, file("f", ["alpine:0"], [copy(0, -1), copy(-1, 0)]), result("r", "f:0")]],
  ["actions in a ring", [alpine, file("f", ["alpine:0"], [copy(2, -1, 0), copy(1, -1, 1)]), result("r", "f:0")]],
  [
    "a merge of an input that isn't there",
    [alpine, { id: "m", inputs: ["alpine:0"], op: { Op: { merge: { inputs: [{ input: 1 }] } } } }, result("r", "m:0")],
  ],
];

for (const [name, llb] of broken) {
  test(`R18 takes a graph with ${name} for unknown, never for scratch, and its images for inputs`, () => {
    const record = recordOf({ llb });
    assert.equal(record.base.kind, "unknown");
    assert.equal(record.steps, undefined);
    assert.ok(record.llb);
    const claims = claimsOf(record);
    assert.ok(claims.includes(`input ${A} llb`), claims.join());
    assert.ok(claims.every((claim) => claim.startsWith("input ")));
  });
}

test("R16 reports a step that isn't known, and one that is two things at once", () => {
  const both = {
    id: "x",
    inputs: ["alpine:0"],
    op: { Op: { exec: { mounts: [{ dest: "/" }] }, source: { identifier: "local://a" } } },
  };
  for (const step of [
    both,
    { id: "x", inputs: ["alpine:0"], op: { Op: { teleport: {} } } },
    { id: "x", inputs: ["alpine:0"], op: { Op: { build: {} } } },
  ]) {
    const record = recordOf({ llb: [alpine, step, result("r", "x:0")] });
    assert.deepEqual(
      record.unresolved.map(({ uri }) => uri),
      ["x"],
    );
    assert.equal(record.base.kind, "unknown");
  }
});

test("follows chains of any length", () => {
  const length = 20_000;
  const llb = [alpine, run("s0", ["alpine:0"])];
  for (let step = 1; step < length; step++) llb.push(run(`s${step}`, [`s${step - 1}:0`]));
  const record = recordOf({ llb: [...llb, result("r", `s${length - 1}:0`)] });
  assert.equal(baseOf(record), A);
  assert.equal(record.steps, length);
});

test("counts no steps where merges of merges have more than can be counted", () => {
  const llb: unknown[] = [local, file("m0", ["local:0"], [copy(-1, 0)])];
  for (let step = 1; step < 80; step++) llb.push(merge(`m${step}`, [`m${step - 1}:0`, `m${step - 1}:0`]));
  const record = recordOf({ llb: [...llb, result("r", "m79:0")] });
  assert.equal(record.base.kind, "scratch");
  assert.equal(record.steps, undefined);
});

test("refuses steps, and parts of a step, without number", () => {
  const many = Array.from({ length: 1001 }, () => copy(0, 0, -1));
  assert.throws(() => recordOf({ llb: [alpine, file("f", ["alpine:0"], many), result("r", "f:0")] }), {
    code: "schema",
  });
});

test("the layer map is that of the result's place, and none where a digest is malformed", () => {
  const llb = [alpine, run("x", ["alpine:0"]), result("r", "x:0")];
  const [one, two] = [listed("", "1"), listed("", "2")].map(
    (entry) => `sha256:${(entry as { digest: { sha256: string } }).digest.sha256}`,
  );
  const layers = { "alpine:0": [[{ digest: one }]], "x:0": [[{ digest: one }, { digest: two }]] };
  assert.deepEqual(recordOf({ llb, layers }).layerMap, [[one, two]]);
  assert.equal(recordOf({ llb, layers: { "alpine:0": [[{ digest: one }]] } }).layerMap, undefined);
  assert.equal(recordOf({ llb, layers: { "x:0": [[{ digest: one }, { digest: "sha256:2" }]] } }).layerMap, undefined);
  assert.equal(recordOf({ llb, layers: { "x:0": null } }).layerMap, undefined);
});

test("the order of the steps changes nothing", () => {
  const llb = [
    alpine,
    busybox,
    run("x", ["busybox:0"]),
    file("f", ["alpine:0", "x:0"], [copy(0, 1)]),
    merge("m", ["f:0", "x:0"]),
    result("r", "m:0"),
  ];
  const expected = recordOf({ llb });
  fc.assert(
    fc.property(fc.shuffledSubarray(llb, { minLength: llb.length }), (shuffled) => {
      const record = recordOf({ llb: shuffled });
      assert.deepEqual(record.base, expected.base);
      assert.deepEqual(claimsOf(record), claimsOf(expected));
    }),
  );
});
