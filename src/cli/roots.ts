import type { Command } from "commander";
import { rootsAddCommand } from "./roots-add.ts";
import { rootsListCommand } from "./roots-list.ts";
import { rootsKeyCommand, rootsPublishCommand } from "./roots-publish.ts";
import type { Surroundings } from "./walk.ts";

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

const ALLOW_HOST = [
  "--allow-host <host:port>",
  "connect there though the address isn't public; plain http to loopback; may be given several times",
  collect,
] as const;

const EXIT_CODES = `
Exit codes:
  0  done
  1  the feed isn't its publisher's, can't be used, or is over (list)
  2  wrong usage, a file that can't be read or written, or an image that isn't there
  3  a registry or server could not be asked`;

/** Adds `roots` and what is under it to the command line. */
export function addRootsCommands(program: Command, surroundings: () => Surroundings): void {
  const roots = program
    .command("roots")
    .summary("feeds of images at which a walk may end")
    .description(
      `A feed of roots is a signed, dated file of images that you have looked at, and that attest nothing themselves: official images, say.
You publish it on any web server; policies take it up in trust.roots-from, and name your key and the image names you may speak for.`,
    )
    .addHelpText(
      "after",
      `
From nothing to a feed:
  trusted-builds roots add roots.draft.json debian:13 alpine:3.22 --reason "read their recipes" --issuer "Acme platform team"
  trusted-builds roots key -o roots.key
  trusted-builds roots publish roots.draft.json --key roots.key --expires 14d -o roots.json

The last one prints the lines that a policy needs. Add again and publish again when images move, and before the feed lapses. For a
list of names: roots add roots.draft.json $(cat names.txt) --reason …`,
    );

  roots
    .command("add")
    .summary("put what images are now into a draft")
    .description(
      `Looks up the digest of each image, and those of its platforms, and puts them into a draft, which is made where there is none. An image
that is in it already gets the new reason and expiry. All images are put in, or none.`,
    )
    .argument("<draft>", "the file to edit")
    .argument("<image...>", "NAME[:TAG][@DIGEST]")
    .requiredOption("--reason <text>", "why the walk may end there")
    .option("--expires <day>", "the last day, as 2027-03-01 (default: as long as the feed)")
    .option("--issuer <name>", "who publishes the feed; kept in the draft")
    .option("--replace", "name what was found under the same tag before no longer", false)
    .option(...ALLOW_HOST)
    .addHelpText("after", EXIT_CODES)
    .action(
      async (
        feed: string,
        images: readonly string[],
        options: { reason: string; expires?: string; issuer?: string; replace: boolean; allowHost?: string[] },
      ) => {
        process.exitCode = await rootsAddCommand({ feed, images, allowHost: [], ...options }, surroundings());
      },
    );

  roots
    .command("list")
    .summary("show what a draft or a feed names")
    .argument("<feed>", "a file, or an address")
    .option("--key <pem>", "its publisher's public key: without it nothing is verified")
    .option(...ALLOW_HOST)
    .addHelpText("after", EXIT_CODES)
    .action(async (feed: string, options: { key?: string; allowHost?: string[] }) => {
      process.exitCode = await rootsListCommand({ feed, allowHost: [], ...options }, surroundings());
    });

  roots
    .command("publish")
    .summary("date and sign a draft")
    .argument("<draft>", "the file that roots add has made")
    .requiredOption("--key <pem>", "the private key that signs it, on P-256")
    .requiredOption("-o, --output <file>", "where the feed goes")
    .option("--expires <age>", "how long it holds, as 30d or 12h", "30d")
    .option("--issuer <name>", "who publishes it (default: as the draft says)")
    .addHelpText("after", EXIT_CODES)
    .action(async (feed: string, options: { key: string; expires: string; issuer?: string; output: string }) => {
      process.exitCode = await rootsPublishCommand({ feed, ...options }, surroundings());
    });

  roots
    .command("key")
    .summary("make a key to sign feeds with")
    .description(
      "Makes a private key where there is none, for its owner's eyes alone, and prints its public half, which goes into FILE.pub too.",
    )
    .requiredOption("-o, --output <file>", "the private key")
    .addHelpText("after", EXIT_CODES)
    .action(async (options: { output: string }) => {
      process.exitCode = await rootsKeyCommand(options, surroundings());
    });
}
