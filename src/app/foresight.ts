import type { OpenWalk, Walk } from "../build/ports.ts";
import { readWithBases, withUnknownTriggers } from "../change/inherited-triggers.ts";
import type { BuildChoices, Foresight, ProposalPorts } from "../change/proposal-ports.ts";
import { pinImages } from "../image/dockerfile/pin.ts";
import { DockerfileError } from "../image/dockerfile/reading.ts";
import { parsePlatform } from "../image/platform.ts";
import { parseReference } from "../image/reference.ts";
import { forecast } from "../trust/forecast.ts";

/** For which platform an image is built where nobody says. */
const USUAL = [parsePlatform("linux/amd64")];

/** Foresees for one repository after the other, each with a walk of its own. */
export function foresightBy(openWalk: OpenWalk, now: () => Date): ProposalPorts["foresee"] {
  return (repository): Foresight => {
    // It names what GitHub's own attestations of the repository may be about; nothing of that name is judged here.
    const own = parseReference("ghcr.io/trusted-builds/none");
    const walk = openWalk(repository, own);
    return {
      read: async (text, choices) => (await readingsOf(walk, text, choices)).map(({ reading }) => reading),
      forecast: async (policy, text, choices) => {
        const readings = await readingsOf(walk, text, choices);
        const unknown = readings.flatMap((each) => each.unknown);
        return withUnknownTriggers(await forecast(walk, policy, readings, now()), unknown);
      },
      pin: (text, pins) => {
        const written = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
        return new TextEncoder().encode(pinImages(written, pins));
      },
      resolve: (reference) => walk.resolve(reference),
      close: () => walk.close(),
    };
  };
}

/** With what bases add to builds on them; where that can't be looked at, nothing is foreseen as trusted. */
async function readingsOf(
  walk: Walk,
  text: Uint8Array,
  { target, platforms = USUAL, buildArgs, contexts }: BuildChoices,
) {
  const readings = [];
  for (const platform of platforms) {
    const request = { ...(target !== undefined && { target }), platform, buildArgs, contexts };
    try {
      readings.push({ platform, ...(await readWithBases(walk, text, request)) });
    } catch (error) {
      // Of policy's words, which a file can't mend: it can't be built all the same.
      if (error instanceof RangeError) throw new DockerfileError(error.message, 1, 1, { cause: error });
      throw error;
    }
  }
  return readings;
}
