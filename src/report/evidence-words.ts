import type { ExportedImage } from "../trust/exported-evidence.ts";
import type { WalkRecord } from "../trust/walk-record.ts";
import { several } from "./ancestry-words.ts";
import { printable } from "./printable.ts";

/** How many of one kind are named before the rest is counted. */
const MAX_NAMED = 3;

/**
 * What nobody can prove again from a file of evidence, and what is therefore the word of whoever made it: sentences for people, without
 * anything that a signature or a digest shows.
 */
export function exportersWords({ reference, asOf, record }: ExportedImage): readonly string[] {
  return [
    ...record.resolutions.flatMap(({ reference: name, answer }) =>
      answer.kind === "found" && !name.includes("@") ? [`${printable(name)} was ${answer.digest}`] : [],
    ),
    `the image is called ${printable(reference)}, and all was so at ${asOf}`,
    ...listed(record.attestations, (count) => `nothing else was signed about ${several(count, "digest")}`),
    ...missing(record),
    ...named(
      (record.defaultBranches ?? []).flatMap(({ source, answer }) =>
        answer.kind === "branch" ? [`the default branch of ${printable(source)} is ${printable(answer.name)}`] : [],
      ),
    ),
    ...listed(
      (record.layers ?? []).filter(({ answer }) => answer.kind === "unpacked"),
      (count) =>
        `${several(count, "layer")} ${count === 1 ? "holds" : "hold"} what the configs say: the layers aren't in the file`,
    ),
    ...listed(
      record.feeds?.fetched ?? [],
      (count) => `${several(count, "roots feed")} ${count === 1 ? "was" : "were"} the newest`,
    ),
    ...(record.known === null ? [] : [`layers were compared with ${printable(record.known.description)}`]),
    ...listed(failuresIn(record), (count) => `${several(count, "thing")} could not be looked at`),
  ];
}

function missing({ manifests, blobs }: WalkRecord): readonly string[] {
  const absent = [...manifests, ...blobs].filter(({ answer }) => answer.kind === "absent");
  return listed(absent, (count) => `${several(count, "manifest")} or parts of them were not there`);
}

function failuresIn(record: WalkRecord): readonly unknown[] {
  const { manifests, blobs, attestations, defaultBranches, layers, feeds, resolutions } = record;
  const answers = [
    ...[...resolutions, ...manifests, ...blobs, ...attestations],
    ...[...(defaultBranches ?? []), ...(layers ?? []), ...(feeds?.fetched ?? [])],
  ];
  return [
    ...answers.filter(({ answer }) => answer.kind === "unreachable"),
    ...attestations.flatMap(({ answer }) =>
      answer.kind === "listed"
        ? [...answer.failures, ...answer.candidates.filter(({ read }) => read.kind === "unreachable")]
        : [],
    ),
  ];
}

function listed(things: readonly unknown[], words: (count: number) => string): readonly string[] {
  return things.length === 0 ? [] : [words(things.length)];
}

function named(sentences: readonly string[]): readonly string[] {
  const more = sentences.length - MAX_NAMED;
  return more > 0 ? [...sentences.slice(0, MAX_NAMED), `and ${more} more of these`] : sentences;
}
