// `npm run bench verify [-- --json]`: bundles verified per second of one core's time, from bytes to statement and with no cache, beside
// stock @sigstore/verify on the same bundles and beside the arithmetic that cannot be left out. The time is the process's own (user and
// system), so that other processes on the machine don't count. Only the ratios mean anything elsewhere.
import crypto, { type KeyObject } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import { parseBundle } from "../src/attestation/bundle.ts";
import { parseTrustedRoot } from "../src/sigstore/trusted-root.ts";
import { createBundleVerifier } from "../src/sigstore/verifier.ts";

/** Rounds, each of which gives every way its turn, so that the machine's moods fall on all of them. */
const ROUNDS = 5;
/** Milliseconds of one turn, of the process's own time. */
const TURN_MS = 300;

interface Corpus {
  readonly name: string;
  readonly root: string;
  readonly folder: string;
  readonly isBundle: (file: string) => boolean;
}

const SHARED = new URL("../../shared/", import.meta.url).pathname;
const CORPORA: readonly Corpus[] = [
  {
    name: "public good, Rekor v1",
    root: "corpora/trusted-roots/sigstore-public-good.sigstore-rust-2026-08.json",
    folder: "corpora/sigstore-js/tests/bundles",
    isBundle: (file) => file.endsWith(".sigstore"),
  },
  {
    name: "private, Rekor v1",
    root: "samples/local-sigstore/trusted_root.json",
    folder: "samples/local-sigstore",
    isBundle: (file) => /^bundle-rekor1\.json$|-rekor1\.bundle\.json$/.test(file),
  },
  {
    name: "private, Rekor v1 or v2 and TSA",
    root: "samples/local-sigstore/trusted_root.json",
    folder: "samples/local-sigstore",
    isBundle: (file) => /\+tsa\.json$|-rekor2\.bundle\.json$/.test(file),
  },
];

/** One call of `crypto.verify` that answered yes. */
interface Proof {
  readonly algorithm: string | undefined;
  readonly data: Buffer;
  readonly key: KeyObject;
  readonly signature: Buffer;
}

function measure(corpus: Corpus) {
  const rootBytes = readFileSync(SHARED + corpus.root);
  const files = readdirSync(SHARED + corpus.folder).filter(corpus.isBundle);
  const bundles = files.map((file) => readFileSync(`${SHARED}${corpus.folder}/${file}`));
  if (bundles.length === 0) throw new Error(`no bundles in ${corpus.folder}`);

  const ours = createBundleVerifier({ roots: [parseTrustedRoot(rootBytes, corpus.name)] });
  const verifyOurs = (bytes: Buffer) => {
    const outcome = ours.verifyBundle(parseBundle(bytes));
    if (outcome.kind !== "verified") throw new Error(outcome.reason);
  };
  const stock = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(rootBytes.toString("utf8")))));
  const verifyStock = (bytes: Buffer) => {
    stock.verify(toSignedEntity(bundleFromJSON(JSON.parse(bytes.toString("utf8")))));
  };

  const proofs = bundles.map((bytes) => proofsOf(() => verifyStock(bytes)));
  // What stands in every bundle's proof is the trusted root's own chain: a verifier may check it once.
  const isCommon = ({ data }: Proof) =>
    bundles.length > 1 && proofs.every((list) => list.some((proof) => proof.data.equals(data)));
  const own = proofs.map((list) => list.filter((proof) => !isCommon(proof)));
  const signatures = (lists: readonly (readonly Proof[])[]) =>
    lists.reduce((sum, list) => sum + list.length, 0) / lists.length;

  const ways = {
    ours: bundles.map((bytes) => () => verifyOurs(bytes)),
    stock: bundles.map((bytes) => () => verifyStock(bytes)),
    arithmetic: proofs.map((list) => () => replay(list)),
    "arithmetic without the root's own chain": own.map((list) => () => replay(list)),
  };
  const rates = rate(ways);
  return {
    corpus: corpus.name,
    bundles: bundles.length,
    signaturesPerBundle: signatures(proofs),
    signaturesWithoutRootChain: signatures(own),
    perSecond: rates,
    oursToStock: rates.ours / rates.stock,
    oursToArithmetic: rates.ours / rates.arithmetic,
    oursToArithmeticWithoutRootChain: rates.ours / rates["arithmetic without the root's own chain"],
  };
}

/** The distinct signatures that a verification rests on: chain links, SCTs, promises, checkpoints, envelope, timestamps. */
function proofsOf(run: () => void): readonly Proof[] {
  const proofs = new Map<string, Proof>();
  const original = crypto.verify;
  const recording = (algorithm: string | undefined, data: Buffer, key: KeyObject, signature: Buffer) => {
    const fits = original(algorithm, data, key, signature);
    if (fits)
      proofs.set(`${data.toString("base64")} ${signature.toString("base64")}`, {
        algorithm,
        data: Buffer.from(data),
        key,
        signature,
      });
    return fits;
  };
  try {
    Object.assign(crypto, { verify: recording });
    run();
  } finally {
    Object.assign(crypto, { verify: original });
  }
  if (proofs.size === 0) throw new Error("no signature was seen");
  return [...proofs.values()];
}

function replay(proofs: readonly Proof[]): void {
  for (const { algorithm, data, key, signature } of proofs) {
    if (!crypto.verify(algorithm, data, key, signature)) throw new Error("a proof does not hold");
  }
}

/** Runs per second of the process's own time of each way, the median of the rounds. */
function rate<Name extends string>(ways: Readonly<Record<Name, readonly (() => void)[]>>): Record<Name, number> {
  const names = Object.keys(ways) as Name[];
  const rounds: Record<string, number[]> = {};
  for (const name of names) for (const run of ways[name]) for (let i = 0; i < 20; i++) run();
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      let runs = 0;
      const start = process.cpuUsage();
      const spentMs = () => {
        const { user, system } = process.cpuUsage(start);
        return (user + system) / 1000;
      };
      while (spentMs() < TURN_MS) {
        for (const run of ways[name]) run();
        runs += ways[name].length;
      }
      rounds[name] = [...(rounds[name] ?? []), (runs * 1000) / spentMs()];
    }
  }
  const median = (values: readonly number[]) =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  return Object.fromEntries(names.map((name) => [name, median(rounds[name] ?? [])])) as Record<Name, number>;
}

if (!existsSync(`${SHARED}corpora`)) {
  console.error("bench verify: ../shared/corpora is not there, and the bundles are; nothing measured");
  process.exit(process.env.CI === undefined ? 0 : 1);
}
const results = CORPORA.map(measure);
if (process.argv.includes("--json")) console.log(JSON.stringify(results, undefined, 2));
else {
  console.table(
    Object.fromEntries(
      results.map((result) => [
        result.corpus,
        {
          bundles: result.bundles,
          "ours/s": Math.round(result.perSecond.ours),
          "stock/s": Math.round(result.perSecond.stock),
          "ours : stock": result.oursToStock.toFixed(2),
          signatures: result.signaturesPerBundle.toFixed(1),
          "ours : limit": result.oursToArithmetic.toFixed(2),
          "signatures, chain kept": result.signaturesWithoutRootChain.toFixed(1),
          "ours : limit, chain kept": result.oursToArithmeticWithoutRootChain.toFixed(2),
        },
      ]),
    ),
  );
  console.log(
    "stock: @sigstore/verify on the same bundles. limit: crypto.verify of all signatures of the bundle and nothing else;",
  );
  console.log(
    "chain kept: without those inside the trusted root's own chain, which have to be verified only once for all bundles.",
  );
}
