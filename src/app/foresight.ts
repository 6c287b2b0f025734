import type { OpenWalk } from "../build/ports.ts";
import type { BuildChoices, Foresight, ProposalPorts } from "../change/proposal-ports.ts";
import { pinImages } from "../image/dockerfile/pin.ts";
import { readDockerfile } from "../image/dockerfile/read.ts";
import { type Platform, parsePlatform } from "../image/platform.ts";
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
      read: async (text, choices) => readingsOf(text, choices).map(({ reading }) => reading),
      forecast: (policy, text, choices) => forecast(walk, policy, readingsOf(text, choices), now()),
      pin: (text, pins) => {
        const written = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
        return new TextEncoder().encode(pinImages(written, pins));
      },
      resolve: (reference) => walk.resolve(reference),
      close: () => walk.close(),
    };
  };
}

function readingsOf(text: Uint8Array, { target, platforms = USUAL, buildArgs, contexts }: BuildChoices) {
  return platforms.map((platform: Platform) => ({
    platform,
    reading: readDockerfile(text, { ...(target !== undefined && { target }), platform, buildArgs, contexts }),
  }));
}
