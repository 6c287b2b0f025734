import type { OpenWalk } from "../build/ports.ts";
import { BUILDER } from "../change/foresee.ts";
import { readWithBases, withUnknownTriggers } from "../change/inherited-triggers.ts";
import type { BuildChoices, Foresight, ProposalPorts } from "../change/proposal-ports.ts";
import { pinImages } from "../image/dockerfile/pin.ts";
import { DockerfileError } from "../image/dockerfile/reading.ts";
import { parseReference } from "../image/reference.ts";
import { type ForecastPorts, forecast } from "../trust/forecast.ts";
import { steady } from "../trust/steady-world.ts";

/** Foresees for one repository after the other, each with a walk of its own. */
export function foresightBy(openWalk: OpenWalk, now: () => Date): ProposalPorts["foresee"] {
  return (repository): Foresight => {
    // It names what GitHub's own attestations of the repository may be about; nothing of that name is judged here.
    const own = parseReference("ghcr.io/trusted-builds/none");
    const walk = openWalk(repository, own);
    // A base that isn't shown when it is asked for what it adds stays away from the forecast too.
    const ports = steady(walk);
    return {
      read: async (text, choices) => (await readingsOf(ports, text, choices)).map(({ reading }) => reading),
      forecast: async (policy, text, choices) => {
        const readings = await readingsOf(ports, text, choices);
        const unknown = readings.flatMap((each) => each.unknown);
        return withUnknownTriggers(await forecast(ports, policy, readings, now()), unknown);
      },
      pin: (text, pins) => {
        const written = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
        return new TextEncoder().encode(pinImages(written, pins));
      },
      resolve: (reference) => ports.resolve(reference),
      close: () => walk.close(),
    };
  };
}

/** With what bases add to builds on them; where that can't be looked at, nothing is foreseen as trusted. */
async function readingsOf(
  ports: ForecastPorts,
  text: Uint8Array,
  { target, platforms = [BUILDER], buildArgs, contexts }: BuildChoices,
) {
  const readings = [];
  for (const platform of platforms) {
    const request = { ...(target !== undefined && { target }), platform, buildPlatform: BUILDER, buildArgs, contexts };
    try {
      readings.push({ platform, ...(await readWithBases(ports, text, request)) });
    } catch (error) {
      // Of policy's words, which a file can't mend: it can't be built all the same.
      if (error instanceof RangeError) throw new DockerfileError(error.message, 1, 1, { cause: error });
      throw error;
    }
  }
  return readings;
}
