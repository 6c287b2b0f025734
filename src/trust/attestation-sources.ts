import { type AttestationListing, type AttestationSource, CouldNotLook } from "./ports.ts";

/** Candidates per digest, over all sources (RULES R15). */
const MAX_CANDIDATES = 200;

const NOTHING: AttestationListing = { candidates: [], omitted: 0, failures: [] };

/**
 * Several sources as one, asked side by side. A source that can't be looked at is a failure among the others' answers, and hides none
 * of them (RULES R15).
 *
 * Their likeliest candidates come in turn: junk in one place takes no more than its share of what is read.
 */
export function combineSources(sources: readonly AttestationSource[]): AttestationSource {
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) return only;
  return {
    listAttestations: async (image) =>
      join(await Promise.all(sources.map((source) => settle(() => source.listAttestations(image))))),
  };
}

async function settle(list: () => Promise<AttestationListing>): Promise<AttestationListing> {
  try {
    return await list();
  } catch (error) {
    if (!(error instanceof CouldNotLook)) throw error;
    return { ...NOTHING, failures: [error] };
  }
}

function join(listings: readonly AttestationListing[]): AttestationListing {
  const longest = Math.max(0, ...listings.map(({ candidates }) => candidates.length));
  const inTurn = Array.from({ length: longest }, (_, place) =>
    listings.flatMap(({ candidates }) => candidates[place] ?? []),
  ).flat();
  const omitted = listings.reduce((sum, listing) => sum + listing.omitted, 0);
  return {
    candidates: inTurn.slice(0, MAX_CANDIDATES),
    omitted: omitted + Math.max(0, inTurn.length - MAX_CANDIDATES),
    failures: listings.flatMap(({ failures }) => failures),
  };
}
