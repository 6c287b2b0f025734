import type { Command } from "commander";
import type { JudgeSettings, WalkArguments, WalkSettings } from "./walk.ts";

/** Takes an option that may be given several times. */
export const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** What commander makes of the options of a command that walks. */
export type WalkOptions = Partial<WalkSettings>;

/** What commander makes of the options of a command that judges. */
export type JudgeOptions = Partial<JudgeSettings>;

/** Gives a command the image, or the images, and the options that every walk has. */
export function withWalkOptions(
  command: Command,
  argument: "<image>" | "<images...>" | "[images...]" = "<image>",
): Command {
  return withJudgeOptions(
    command
      .argument(
        argument,
        "NAME[:TAG][@DIGEST] in a registry, or on disk oci:DIR, oci-archive:FILE or docker-archive:FILE",
      )
      .option("--platform <os/arch>", "judge this platform only, as linux/amd64 (default: every platform of the image)")
      .option(
        "--as <name>",
        "what an image on disk is called: policy judges names, and those inside are its maker's word",
      ),
  );
}

/** Gives a command the options that every judge has, whatever is judged. */
export function withJudgeOptions(command: Command): Command {
  return command
    .option(
      "--policy <file>",
      "what you accept (default: on ghcr.io the workflows of the name's owner, elsewhere nothing)",
    )
    .option(
      "--trusted-root <file>",
      "a Sigstore trusted root instead of the public good's and GitHub's; may be given several times",
      collect,
    )
    .option("--refresh-roots", "fetch the newest trusted roots first, and keep them")
    .option(
      "--allow-host <host:port>",
      "let the walk connect there though the address isn't public; plain http to loopback; may be given several times",
      collect,
    )
    .option(
      "--bundles <file>",
      "Sigstore bundles, one a line, as gh attestation download writes them; may be given several times",
      collect,
    )
    .option("--offline", "connect to nothing: what isn't on disk could not be looked at")
    .option("--no-cache", "read everything anew, and keep nothing for the next time");
}

/** The arguments of a walk, with what was left out. */
export function walkArguments(image: string, options: WalkOptions): WalkArguments {
  return { image, ...walkSettings(options) };
}

/** The same, whatever the images. */
export function walkSettings(options: WalkOptions): WalkSettings {
  return judgeSettings(options);
}

/** The settings of a judge, with what was left out. */
export function judgeSettings<T extends JudgeOptions>(options: T): T & JudgeSettings {
  return { trustedRoot: [], allowHost: [], bundles: [], offline: false, ...options };
}
