import { several } from "./ancestry-words.ts";
import type { Entry, Section, Sign } from "./change-section.ts";
import { groupBy } from "./grouping.ts";
import { FORMATS } from "./package-words.ts";
import type { PackagesChangeDocument } from "./packages-change-json.ts";

/** Most packages that are named of one kind of change, and most reasons of one image; how many more there are is told. */
const MAX_SHOWN = 10;
const MAX_REASONS = 3;
/** Most versions or licences of one package that are named. */
const MAX_VALUES = 4;
/** Longest name, and longest version or licence, in characters. */
const MAX_NAME = 100;
const MAX_VALUE = 60;
/** Longest reason, in characters. */
const MAX_REASON = 400;

const ALL = "--output json has all";

type Change = NonNullable<PackagesChangeDocument["change"]>;
type Listed = Change["gained"][number];
type Side = PackagesChangeDocument["before"];

/** What differs between the packages of two images, in few lines: the document has all of it. Platforms of which the same is told are one. */
export function packageSections(documents: readonly PackagesChangeDocument[]): readonly Section[] {
  const told = documents.map((document) => ({ ...document, entries: entriesOf(document) }));
  const groups = groupBy(told, ({ platform, format, entries }) => JSON.stringify([platform === null, format, entries]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { format, entries } = first;
    const platforms = group.flatMap(({ platform }) => (platform === null ? [] : [clipped(platform, MAX_NAME)]));
    const named = platforms.length === 0 && format !== null ? ["all platforms together"] : platforms;
    const where = [...(named.length === 0 ? [] : [named.join(", ")]), ...(format === null ? [] : [FORMATS[format]])];
    return [{ title: where.length === 0 ? "Packages" : `Packages (${where.join("; ")})`, entries }];
  });
}

function entriesOf({ before, after, change }: PackagesChangeDocument): readonly Entry[] {
  if (change === null) return notCompared(before, after);
  const { gained, lost, versions, licences, same } = change;
  const isWhole = before.unread.length + after.unread.length === 0;
  const alike = `${several(same, "package")} the same in both${isWhole ? "" : ", as far as lists could be read"}`;
  return [
    ...shown(
      "~",
      "licences",
      licences,
      ({ from, to }) => `licence of ${nameOf(to)}: ${became(from.licences, to.licences)}`,
    ),
    ...shown("~", "versions", versions, ({ from, to }) => `${nameOf(to)} ${became(from.versions, to.versions)}`),
    ...shown("+", "packages", gained, withVersions),
    ...shown("-", "packages", lost, withVersions),
    { sign: "=", words: alike },
    ...mayHaveMore("first", before),
    ...mayHaveMore("second", after),
  ];
}

function notCompared(before: Side, after: Side): readonly Entry[] {
  const of = (which: string, { reason }: Side) =>
    reason === null ? [] : [{ sign: "?", words: `of the ${which}: ${clipped(reason, MAX_REASON)}` } as const];
  const reasons =
    before.reason === after.reason
      ? [{ sign: "?", words: `of both: ${clipped(before.reason ?? "", MAX_REASON)}` } as const]
      : [...of("first", before), ...of("second", after)];
  return [{ sign: "?", words: "nothing is compared, which doesn't mean that nothing differs" }, ...reasons];
}

function mayHaveMore(which: string, { unread }: Side): readonly Entry[] {
  return shown(
    "?",
    "reasons",
    unread,
    (reason) => `the ${which} may list more: ${clipped(reason, MAX_REASON)}`,
    MAX_REASONS,
  );
}

function shown<Each>(
  sign: Sign,
  what: string,
  all: readonly Each[],
  wordsOf: (each: Each) => string,
  limit = MAX_SHOWN,
): readonly Entry[] {
  const left = all.length - limit;
  return [
    ...all.slice(0, limit).map((each) => ({ sign, words: wordsOf(each) })),
    ...(left > 0 ? [{ sign, words: `and ${left} more ${what}; ${ALL}` }] : []),
  ];
}

function withVersions(each: Listed): string {
  return each.versions.length === 0 ? nameOf(each) : `${nameOf(each)} ${values(each.versions)}`;
}

/** `deb/debian/openssl`: a name alone may be in several ecosystems. */
function nameOf({ purl, name }: Listed): string {
  return clipped(purl === null ? name : purl.slice("pkg:".length), MAX_NAME);
}

function became(from: readonly string[], to: readonly string[]): string {
  return `${values(from)} → ${values(to)}`;
}

function values(all: readonly string[]): string {
  if (all.length === 0) return "none told";
  const left = all.length - MAX_VALUES;
  const named = all.slice(0, MAX_VALUES).map((each) => clipped(each, MAX_VALUE));
  return [...named, ...(left > 0 ? [`${left} more`] : [])].join(", ");
}

function clipped(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit).toWellFormed()}…`;
}
