import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import type { z } from "zod";
import { parseEvidence, writeEvidence } from "../../src/archive/evidence-file.ts";
import { EXIT, UsageError } from "../../src/cli/exit-code.ts";
import { exportCommand } from "../../src/cli/export.ts";
import { type EvidenceArguments, verifyEvidenceCommand } from "../../src/cli/verify-evidence.ts";
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { evidenceReportSchema } from "../../src/report/evidence-report.ts";
import { type ExportedEvidence, exportedEvidenceSchema } from "../../src/trust/exported-evidence.ts";
import { walkRecordSchema } from "../../src/trust/walk-record.ts";
import { layoutFiles, shelf, writeFiles } from "../archive/on-disk.ts";
import { type Built, makeImage } from "../faults/ancestry.ts";
import { policyText } from "../faults/trial.ts";
import { run, trustedBuilds } from "../verify/command.ts";
import { type OciRegistry, startOciRegistry } from "../world/oci-registry.ts";
import { startSigstore } from "../world/sigstore.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "evidence-"));
const pathOf = (name: string) => join(directory, name);
const [sigstore, stranger] = await Promise.all([startSigstore(), startSigstore()]);
after(async () => {
  rmSync(directory, { recursive: true, force: true });
  await Promise.all([sigstore.close(), stranger.close(), ...places.map((place) => place.close())]);
});

const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(pathOf(name), content);
  return pathOf(name);
};
async function started(): Promise<OciRegistry> {
  const place = await startOciRegistry();
  places.push(place);
  return place;
}

async function gone(place: OciRegistry): Promise<void> {
  places.splice(places.indexOf(place), 1);
  await place.close();
}

const root = write("root.json", JSON.stringify(sigstore.trustedRoot));
const strangersRoot = write("stranger.json", JSON.stringify(stranger.trustedRoot));

const places: OciRegistry[] = [];
let registry: OciRegistry;
let policy: string;
let image: string;
let images: { readonly base: Built; readonly runtime: Built; readonly app: Built };
/** A trusted image's evidence. Nothing of the world that it is about is there any more when it is read. */
let evidence: string;
let exported: { readonly result: string; readonly digest: string };

before(async () => {
  registry = await started();
  const place = { registry, namespace: "good", sigstore, stranger };
  const base = await makeImage(place, "base", {});
  const runtime = await makeImage(place, "runtime", { base });
  images = { base, runtime, app: await makeImage(place, "app", { base, runtime }) };
  policy = write("policy.yml", policyText(registry.host));
  image = `${images.app.repository}:1.0.0`;
  evidence = pathOf("app.tar");
  const { exit, stdout } = await exportTo(evidence, [image]);
  assert.equal(exit, EXIT.trusted);
  const [, result = ""] = /^trusted {2}(sha256:\S+) {2}/m.exec(stdout) ?? [];
  const [, digest = ""] = /^evidence {2}(sha256:\S+) {2}/m.exec(stdout) ?? [];
  exported = { result, digest };
});

/** Where commands run in this process. */
function here(now = () => new Date()) {
  const written = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof written) =>
    ({
      write: (chunk: string) => {
        written[name] += chunk;
        return true;
      },
    }) as unknown as NodeJS.WriteStream;
  const env = { XDG_CACHE_HOME: join(directory, "cache"), TRUSTED_BUILDS_CACHE: "off" };
  return {
    written,
    surroundings: { env, homeDirectory: directory, stdout: stream("stdout"), stderr: stream("stderr"), now },
  };
}

async function exportTo(file: string, asked: readonly string[], more: object = {}) {
  const { written, surroundings } = here();
  const args = { trustedRoot: [root], allowHost: [], bundles: [], offline: false, policy, ...more };
  const exit = await exportCommand({ ...args, images: asked, file }, surroundings);
  return { exit, ...written };
}

type Report = z.output<typeof evidenceReportSchema>;

async function verified(file: string, more: Partial<EvidenceArguments> = {}, now?: () => Date) {
  const { written, surroundings } = here(now);
  const args: EvidenceArguments = {
    evidence: file,
    images: [],
    trustedRoot: [root],
    policy,
    output: "json",
    ...more,
  };
  const exit = await verifyEvidenceCommand(args, surroundings);
  const report: Report = evidenceReportSchema.parse(JSON.parse(written.stdout));
  const [first] = report.images;
  assert.ok(first);
  return { exit, report, first, stderr: written.stderr };
}

const codesOf = (
  verdict:
    | { readonly faults: readonly { code: string }[]; readonly unreachable: readonly { code: string }[] }
    | undefined,
) => [...(verdict?.faults ?? []), ...(verdict?.unreachable ?? [])].map(({ code }) => code);

/** The same file with its document changed by its maker, who writes the checksums too. */
async function forged(
  change: (document: ExportedEvidence, blobs: Map<Digest, Uint8Array>) => void,
  name = "forged.tar",
  from = evidence,
): Promise<string> {
  const { document, blobs } = await parseEvidence(readFileSync(from), "file");
  const parsed = exportedEvidenceSchema.parse(JSON.parse(Buffer.from(document).toString()));
  const bytes = new Map(blobs);
  change(parsed, bytes);
  return write(name, writeEvidence(Buffer.from(JSON.stringify(parsed)), bytes).bytes);
}
const firstOf = ({ images: [first] }: ExportedEvidence): ExportedEvidence["images"][number] => {
  assert.ok(first);
  return first;
};
const keep = (blobs: Map<Digest, Uint8Array>, content: string | Uint8Array): Digest => {
  const bytes = Buffer.from(content);
  blobs.set(digestOf(bytes), bytes);
  return digestOf(bytes);
};

test("R34 comes to the same verdict and the same digest of the result, without a network", async (t) => {
  const args = ["verify", "--output", "json", "--evidence", evidence, "--policy", policy, "--trusted-root", root];
  const apart = spawnSync("unshare", ["--net", "true"]).status === 0;
  if (!apart) t.diagnostic("no namespace without a network can be made here: the registry is gone all the same");
  await gone(registry);
  const [program, before] = apart ? ["unshare", ["--net", process.execPath]] : [process.execPath, []];
  const { exit, stdout, stderr } = await run(program, [...before, MAIN, ...args]);
  assert.deepEqual([exit, stderr], [EXIT.trusted, ""]);
  const {
    evidence: digest,
    images: [first],
  } = evidenceReportSchema.parse(JSON.parse(stdout));
  assert.equal(digest, exported.digest);
  assert.deepEqual(
    [first?.atExport.verdict.verdict, first?.atExport.result, first?.atExport.exported, first?.atExport.roots],
    ["trusted", exported.result, exported.result, "known"],
  );
  assert.equal(first?.now?.verdict.verdict, "trusted");
});

test("R34 what is over by now was trusted then, and isn't any more", async () => {
  const expiring = write(
    "expiring.yml",
    `${policyText("none.example")}  roots: [{ image: "${images.base.repository}@${images.base.index.digest}", reason: "looked at it", expires: 2099-01-01 }]\n`,
  );
  const text = readFileSync(expiring, "utf8");
  const file = await forged((document, blobs) => {
    const first = firstOf(document);
    first.policy.blob = keep(blobs, text);
    first.reference = `${images.base.repository}:1.0.0`;
    first.record.resolutions = [
      { reference: first.reference, answer: { kind: "found", digest: images.base.index.digest as Digest } },
    ];
  });
  const young = await verified(file, { policy: expiring });
  assert.deepEqual([young.exit, young.first.now?.verdict.verdict], [EXIT.trusted, "trusted"]);
  const old = await verified(file, { policy: expiring }, () => new Date("2099-06-01T00:00:00Z"));
  assert.deepEqual(
    [old.exit, old.first.atExport.verdict.verdict, old.first.now?.verdict.verdict],
    [EXIT.untrusted, "trusted", "untrusted"],
  );
});

test("R27 R34 what policy revokes by now was trusted then, and isn't any more", async () => {
  const revoking = write(
    "revoking.yml",
    `${policyText(registry.host).replaceAll(registry.host, hostOf(image))}  revoked:\n    - { digest: "${images.base.manifest.digest}", reason: "it is known to be bad" }\n`,
  );
  const { exit, first } = await verified(evidence, { policy: revoking });
  assert.deepEqual(
    [exit, first.atExport.verdict.verdict, codesOf(first.now?.verdict)],
    [EXIT.untrusted, "trusted", ["revoked"]],
  );
});

const hostOf = (name: string) => name.split("/")[0] ?? "";

test("R1 R34 the policy in the file is its maker's: without one of ours nothing is answered as of now", async () => {
  const { written, surroundings } = here();
  const args: EvidenceArguments = { evidence, images: [], trustedRoot: [root], output: "json" };
  assert.equal(await verifyEvidenceCommand(args, surroundings), EXIT.usage);
  const {
    images: [first],
  } = evidenceReportSchema.parse(JSON.parse(written.stdout));
  assert.deepEqual([first?.atExport.result, first?.now], [exported.result, null]);
  assert.match(written.stderr, /--policy/);
});

test("R5 R34 an image that is named is judged by the default policy, whatever the file's accepts", async () => {
  const { written, surroundings } = here();
  const exit = await verifyEvidenceCommand(
    { evidence, images: [image], trustedRoot: [root], output: "json" },
    surroundings,
  );
  const {
    images: [first],
  } = evidenceReportSchema.parse(JSON.parse(written.stdout));
  assert.deepEqual(
    [exit, first?.atExport.verdict.verdict, first?.now?.verdict.verdict, first?.now?.verdict.policy.name],
    [EXIT.untrusted, "trusted", "untrusted", "default policy"],
  );
});

test("R34 a trusted root that the file brings is never taken, unless it is asked for, and then not for now", async () => {
  // A stranger signs everything anew with a Sigstore of their own, and puts its root into the file.
  const other = await started();
  const place = { registry: other, namespace: "good", sigstore: stranger, stranger };
  const base = await makeImage(place, "base", {});
  const runtime = await makeImage(place, "runtime", { base });
  const app = await makeImage(place, "app", { base, runtime });
  const theirs = write("theirs.yml", policyText(other.host));
  const file = pathOf("theirs.tar");
  const asked = `${app.repository}:1.0.0`;
  assert.equal((await exportTo(file, [asked], { policy: theirs, trustedRoot: [strangersRoot] })).exit, EXIT.trusted);
  await gone(other);
  const silent = await verified(file, { policy: theirs });
  assert.deepEqual(
    [
      silent.exit,
      silent.first.atExport.verdict.verdict,
      silent.first.atExport.roots,
      silent.first.now?.verdict.verdict,
    ],
    [EXIT.untrusted, "untrusted", "here", "untrusted"],
  );
  const loud = await verified(file, { policy: theirs, evidenceRoots: true });
  assert.deepEqual(
    [loud.exit, loud.first.atExport.verdict.verdict, loud.first.atExport.roots, loud.first.now?.verdict.verdict],
    [EXIT.untrusted, "trusted", "file", "untrusted"],
  );
});

test("R34 a known root beside one that isn't doesn't make that one known", async () => {
  const file = await forged((document, blobs) => {
    firstOf(document).trustedRoots.push({ name: "public good", blob: keep(blobs, readFileSync(strangersRoot)) });
  });
  const { first } = await verified(file);
  assert.equal(first.atExport.roots, "here");
});

test("R13 R34 bytes in the place of others aren't taken for them", async () => {
  const file = await forged((document, blobs) => {
    const other = keep(blobs, "{}");
    for (const { answer } of firstOf(document).record.manifests) if (answer.kind === "found") answer.blob = other;
  });
  const { exit, first } = await verified(file);
  assert.deepEqual(
    [exit, codesOf(first.now?.verdict), first.now?.verdict.verdict],
    [EXIT.undetermined, ["digest-mismatch"], "undetermined"],
  );
});

test("R13 R34 another image under the name that was asked for is judged as that image", async () => {
  const file = await forged((document) => {
    const first = firstOf(document);
    // All that is known of the base, told of the app.
    const told = JSON.stringify(first.record).replaceAll("/base@", "/app@");
    first.record = walkRecordSchema.parse(JSON.parse(told));
    first.record.resolutions = [
      { reference: first.reference, answer: { kind: "found", digest: images.base.index.digest as Digest } },
    ];
  });
  const { exit, first } = await verified(file);
  assert.deepEqual([exit, first.now?.verdict.verdict], [EXIT.untrusted, "untrusted"]);
});

test("R15 R34 what was signed and is left out of the file makes nothing trusted", async () => {
  const file = await forged((document) => {
    for (const { answer } of firstOf(document).record.attestations)
      if (answer.kind === "listed") answer.candidates = [];
  });
  const { exit, first } = await verified(file);
  assert.deepEqual([exit, first.now?.verdict.verdict], [EXIT.untrusted, "untrusted"]);
  assert.notEqual(first.atExport.result, first.atExport.exported);
});

test("R15 R34 what the file doesn't hold couldn't be looked at", async () => {
  for (const kind of ["manifests", "blobs", "attestations", "resolutions"] as const) {
    const file = await forged((document) => {
      firstOf(document).record[kind] = [];
    });
    const { exit, first } = await verified(file);
    assert.deepEqual(
      [exit, first.now?.verdict.verdict, new Set(codesOf(first.now?.verdict))],
      [EXIT.undetermined, "undetermined", new Set(["offline"])],
      kind,
    );
  }
});

test("R13 R34 a statement whose bytes were changed is nobody's", async () => {
  const file = await forged((document, blobs) => {
    for (const { answer } of firstOf(document).record.attestations) {
      if (answer.kind !== "listed") continue;
      for (const { read } of answer.candidates) {
        if (read.kind !== "items") continue;
        for (const item of read.items) {
          if (item.kind !== "bundle") continue;
          const bundle = JSON.parse(Buffer.from(blobs.get(item.blob) ?? "").toString());
          const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString().replace("acme", "evil");
          bundle.dsseEnvelope.payload = Buffer.from(payload).toString("base64");
          item.blob = keep(blobs, JSON.stringify(bundle));
        }
      }
    }
  });
  const { exit, first } = await verified(file);
  assert.deepEqual([exit, first.now?.verdict.verdict], [EXIT.untrusted, "untrusted"]);
});

test("R21 R34 what was found in layers is told as the exporter's word, and evidence of a walk that looked into none isn't as good", async () => {
  const stock = shelf("registry.example");
  const place = { registry: stock, namespace: "good", sigstore, stranger };
  const base = await makeImage(place, "base", {});
  const layers = base.layers.map(({ blob, diffId }) => ({ diffId, blob: gzipSync(gunzipSync(blob), { level: 0 }) }));
  const child = await makeImage(place, "runtime", { base: { ...base, layers } });
  const entries = [child.index.digest, child.referrer, base.referrer].map((digest) => stock.entry(digest));
  const layout = writeFiles(pathOf("layers"), layoutFiles(stock, entries));
  const theirs = write("layers.yml", policyText("registry.example"));
  const file = pathOf("layers.tar");
  const more = { policy: theirs, as: "registry.example/good/runtime", offline: true };
  assert.equal((await exportTo(file, [`oci:${layout}@${child.index.digest}`], more)).exit, EXIT.trusted);
  const { exit, first } = await verified(file, { policy: theirs });
  assert.deepEqual([exit, first.now?.verdict.nodes[0]?.seam], [EXIT.trusted, "proven"]);
  assert.ok(
    first.exportersWord.some((words) => words.includes("layer")),
    first.exportersWord.join(),
  );
  for (const record of [null, []]) {
    const without = await forged(
      (document) => {
        firstOf(document).record.layers = record;
      },
      "without.tar",
      file,
    );
    const judged = await verified(without, { policy: theirs });
    assert.deepEqual([judged.exit, codesOf(judged.first.now?.verdict)], [EXIT.undetermined, ["offline"]]);
  }
});

test("R34 a file that can be read in two ways, or names what it doesn't hold, is refused", async () => {
  const changes: Readonly<Record<string, (document: ExportedEvidence, blobs: Map<Digest, Uint8Array>) => void>> = {
    "two answers": (document) => {
      const { manifests } = firstOf(document).record;
      manifests.push(...manifests.slice(0, 1));
    },
    "bytes that aren't there": (document) => {
      for (const { answer } of firstOf(document).record.manifests)
        if (answer.kind === "found") answer.blob = digestOf(Buffer.from("nowhere"));
    },
    "a policy that isn't there": (document) => {
      firstOf(document).policy.blob = digestOf(Buffer.from("nowhere"));
    },
    "no name": (document) => {
      firstOf(document).reference = "No Name";
    },
  };
  for (const [what, change] of Object.entries(changes))
    await assert.rejects(verified(await forged(change)), UsageError, what);
});

test("R34 a bundle that can't be read is told as one", async () => {
  const file = await forged((document, blobs) => {
    for (const { answer } of firstOf(document).record.attestations)
      if (answer.kind === "listed")
        for (const { read } of answer.candidates)
          if (read.kind === "items")
            for (const item of read.items) if (item.kind === "bundle") item.blob = keep(blobs, "no bundle");
  });
  const { exit } = await verified(file);
  assert.equal(exit, EXIT.untrusted);
});

test("R25 R34 the platform that the exporter asked about alone is not all that counts now", async () => {
  const file = await forged((document) => {
    firstOf(document).platform = "linux/riscv64";
  });
  const { exit, first } = await verified(file);
  assert.equal(first.atExport.verdict.onlyPlatform, "linux/riscv64");
  assert.deepEqual(
    [exit, first.now?.verdict.onlyPlatform, first.now?.verdict.verdict],
    [EXIT.trusted, null, "trusted"],
  );
  const own = await verified(evidence, { platform: "linux/riscv64" });
  assert.deepEqual([own.exit, own.first.now?.verdict.onlyPlatform], [EXIT.untrusted, "linux/riscv64"]);
});

test("R4 R34 an image on disk is judged again by the name that was given to it", async () => {
  const stock = shelf("registry.example");
  const base = await makeImage({ registry: stock, namespace: "good", sigstore, stranger }, "base", {});
  const entries = [stock.entry(base.index.digest), stock.entry(base.referrer)];
  const layout = writeFiles(pathOf("layout"), layoutFiles(stock, entries));
  const name = "registry.example/good/base";
  const theirs = write("disk.yml", policyText("registry.example"));
  const file = pathOf("disk.tar");
  const asked = [`oci:${layout}@${base.index.digest}`];
  assert.equal((await exportTo(file, asked, { policy: theirs, as: name, offline: true })).exit, EXIT.trusted);
  const { exit, first } = await verified(file, { policy: theirs, images: [`${name}@${base.index.digest}`] });
  assert.deepEqual([exit, first.atExport.result], [EXIT.trusted, first.atExport.exported]);
  await assert.rejects(
    exportTo(file, [`oci:${layout}:absent`], { policy: theirs, as: name, offline: true }),
    UsageError,
  );
});

test("R34 a clock that is behind makes nothing young again", async () => {
  const { first, stderr } = await verified(evidence, {}, () => new Date("2001-01-01T00:00:00Z"));
  assert.equal(first.now?.verdict.asOf, first.atExport.verdict.asOf);
  assert.match(stderr, /clock/);
});

test("R34 what couldn't be looked at then can't be looked at now", async () => {
  const world = await started();
  const place = { registry: world, namespace: "good", sigstore, stranger };
  const base = await makeImage(place, "base", {});
  const runtime = await makeImage(place, "runtime", { base });
  const app = await makeImage(place, "app", { base, runtime });
  const theirs = write("unreachable.yml", policyText(world.host));
  world.fail(new RegExp(`/base/manifests/${base.index.digest}`), { status: 500 });
  const file = pathOf("unreachable.tar");
  const told = await exportTo(file, [`${app.repository}:1.0.0`], { policy: theirs, cache: false });
  await gone(world);
  assert.equal(told.exit, EXIT.undetermined);
  const { exit, first } = await verified(file, { policy: theirs });
  assert.deepEqual(
    [exit, first.atExport.result, codesOf(first.now?.verdict)],
    [EXIT.undetermined, first.atExport.exported, ["server-error"]],
  );
});

test("R34 one file holds several images, and one of them can be asked for", async () => {
  const world = await started();
  const place = { registry: world, namespace: "good", sigstore, stranger };
  const base = await makeImage(place, "base", {});
  const runtime = await makeImage(place, "runtime", { base });
  const theirs = write("several.yml", policyText(world.host));
  const names = [`${base.repository}:1.0.0`, `${runtime.repository}:1.0.0`, `${base.repository}:none`];
  const file = pathOf("several.tar");
  const told = await exportTo(file, names, { policy: theirs });
  assert.equal(told.exit, EXIT.untrusted);
  await assert.rejects(exportTo(pathOf("twice.tar"), [names[0] ?? "", names[0] ?? ""], { policy: theirs }), UsageError);
  await gone(world);
  const all = await verified(file, { policy: theirs });
  assert.deepEqual(
    [all.exit, all.report.images.map(({ now }) => now?.verdict.verdict)],
    [EXIT.untrusted, ["trusted", "trusted", "untrusted"]],
  );
  const one = await verified(file, { policy: theirs, images: [`${base.repository}@${base.index.digest}`] });
  assert.deepEqual([one.exit, one.report.images.length], [EXIT.trusted, 1]);
  await assert.rejects(verified(file, { policy: theirs, images: [`${base.repository}:2.0.0`] }), UsageError);
});

test("R34 tells what is only the word of whoever made the file", async () => {
  const { first } = await verified(evidence);
  const words = first.exportersWord.join("\n");
  for (const each of [image, first.atExport.verdict.asOf, "signed about"])
    assert.ok(words.includes(each), `${each}: ${words}`);
});

test("exits with 2 for options that ask the world, beside a file of evidence", async () => {
  for (const option of [
    ["--output", "sarif"],
    ["--refresh-roots"],
    ["--bundles", "x"],
    ["--as", "x"],
    ["--vsa", "x"],
  ]) {
    const { exit, stdout } = await trustedBuilds(["verify", "--evidence", evidence, "--policy", policy, ...option]);
    assert.deepEqual([exit, stdout], [EXIT.usage, ""], option[0]);
  }
  for (const args of [
    ["verify"],
    ["verify", "--evidence-roots", image],
    ["verify", "--evidence", "absent.tar"],
    ["export", image],
  ])
    assert.equal((await trustedBuilds(args)).exit, EXIT.usage, args.join(" "));
});

test("shows people both answers", async () => {
  const { exit, stdout } = await trustedBuilds([
    "verify",
    "--evidence",
    evidence,
    "--policy",
    policy,
    "--trusted-root",
    root,
  ]);
  assert.equal(exit, EXIT.trusted);
  assert.equal(stdout.match(/^✔ TRUSTED {2}/gm)?.length, 2);
  for (const each of [
    "As it was then",
    "As far as is known now",
    exported.result,
    exported.digest,
    "Only whoever made",
  ])
    assert.ok(stdout.includes(each), each);
});
