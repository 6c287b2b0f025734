import { gunzipSync, gzipSync } from "node:zlib";
import { type Layer, layerOf, type Spoil } from "./ancestry.ts";
import { type Document, put, putAll } from "./document.ts";
import { DEPENDENCIES, METADATA, REQUEST, STEPS } from "./faults-of-provenance.ts";
import type { Fault } from "./mutation.ts";
import { clock } from "./trial.ts";

/** The same content in other bytes: only the uncompressed digest stays. */
export function recompressed(layer: Layer | undefined): Layer {
  if (layer === undefined) throw new Error("there is no layer");
  return { blob: gzipSync(gunzipSync(layer.blob), { level: 9 }), diffId: layer.diffId };
}

const UNDERLAID = "What lies under the image isn't what was judged.";

/** Something wrong with what lies under the image in the middle, or with what is in its layers. */
function under(rule: string, what: string, kind: string, code: string, runtime: Spoil): Fault {
  return { rule, what, gain: UNDERLAID, cause: code, spoil: { runtime }, node: "runtime", kind, code };
}

const MINUTE_MS = 60_000;

/** Mutations of layers that configs alone don't show, and of bases that nobody declared. */
export const FAULTS_OF_LAYERS: readonly Fault[] = [
  {
    ...under("R21", "a layer that was compressed anew isn't in the repository", "unresolved", "layer-not-found", {}),
    spoil: {
      runtime: { layers: ([first, ...own]) => [recompressed(first), ...own], without: ["layers"] },
      app: { without: ["layers"] },
    },
  },
  under("R21", "the build made one layer of the base's and its own", "layers-mismatch", "flattened", {
    layers: () => [layerOf("all in one")],
    provenance: (statement) => put(statement, [...REQUEST, "args"], { squash: "true" }),
  }),
  {
    ...under(
      "R22",
      "the image in the middle rests on the base, and says that it rests on nothing",
      "undeclared-base",
      "undeclared-base",
      { provenance: onNothing },
    ),
    gain: "An ancestor that could be revoked or distrusted is kept out of the walk.",
    spoil: { runtime: { provenance: onNothing, bundle: signedLater } },
  },
];

/** Says of an image that it is from scratch, and that all its layers are its own build's. It began after the base was signed. */
function onNothing(statement: Document): Document {
  return putAll(statement, [
    [DEPENDENCIES, (list: unknown[]) => list.slice(-1)],
    [
      STEPS,
      (steps: readonly Document[]) => [
        { id: "git", op: (steps[1] as Document).op },
        {
          id: "copy",
          inputs: ["git:0"],
          op: { Op: { file: { actions: [{ Action: { copy: {} }, input: -1, secondaryInput: 0, output: 0 }] } } },
        },
        { id: "result", inputs: ["copy:0"], op: { Op: {} } },
      ],
    ],
    [[...METADATA, "startedOn"], "2099-01-02T03:04:05Z"],
    [[...METADATA, "finishedOn"], "2099-01-02T03:04:06Z"],
  ]);
}

/** Logs tell seconds, and the base is to have been signed before. */
async function signedLater(
  _: Document,
  { sign, payload }: Parameters<NonNullable<Spoil["bundle"]>>[1],
): Promise<Document> {
  clock.aheadMs = MINUTE_MS;
  try {
    return await sign(payload);
  } finally {
    clock.aheadMs = 0;
  }
}
