import type { Command, Option } from "commander";

/** What may stand behind an option, or in the place of an argument. */
export type Offer =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  /** Something that no shell can know: an image, an address. */
  | { readonly kind: "unknown" };

/** An option as it is typed. */
export interface OfferedOption {
  /** `--output`, and `-h` where it has a short form. */
  readonly names: readonly string[];
  readonly about: string;
  /** Undefined where it takes no value. */
  readonly value: Offer | undefined;
}

/** One command of the program, and what can be typed behind it. */
export interface Place {
  /** The command's words, each with a blank before it: ` policy check`; empty for the program. */
  readonly at: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly OfferedOption[];
  readonly argument: Offer;
}

/** What names of values are files on disk, as the help writes them. */
const FILES = /^(?:files?|pem|artifact|dockerfile|folder|dir)$/i;

/** Every place of a program, from its own tree of commands: what is completed can't differ from what is taken. */
export function placesOf(command: Command, at = ""): readonly Place[] {
  const [argument] = command.registeredArguments;
  const place: Place = {
    at,
    commands: command.commands.map((each) => ({ name: each.name(), about: each.summary() })),
    options: [
      ...command.options.filter(({ hidden }) => !hidden).map(optionOf),
      { names: ["--help", "-h"], about: "say more", value: undefined },
    ],
    argument: offerOf(argument?.argChoices, argument?.name() ?? ""),
  };
  return [place, ...command.commands.flatMap((each) => placesOf(each, `${at} ${each.name()}`))];
}

function optionOf({ long, short, description, required, optional, argChoices, flags }: Option): OfferedOption {
  const [, value = ""] = /[<[]([^>\].]+)/.exec(flags) ?? [];
  return {
    names: [long, short].filter((name) => name !== undefined && name !== null),
    about: description,
    value: required || optional ? offerOf(argChoices, value) : undefined,
  };
}

function offerOf(choices: readonly string[] | undefined, name: string): Offer {
  if (choices !== undefined) return { kind: "words", words: choices };
  return FILES.test(name) ? { kind: "file" } : { kind: "unknown" };
}
