import type { Command, Option } from "commander";

/** A command with the words by which it is called. */
interface Called {
  readonly name: string;
  readonly command: Command;
}

/** Every command that does something, in the order of the program. */
function commandsOf(program: Command, before: readonly string[] = [program.name()]): readonly Called[] {
  return program.commands.flatMap((command): readonly Called[] => {
    const words = [...before, command.name()];
    return command.commands.length > 0 ? commandsOf(command, words) : [{ name: words.join(" "), command }];
  });
}

function usageOf({ name, command }: Called): string {
  return `${name} ${command.usage()}`.trim();
}

/** What stands under the options in the help: exit codes and examples among it. */
function textAfter(command: Command): string {
  let text = "";
  const whole = command.createHelp();
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  const options = whole.formatHelp(command, whole);
  return text.replace(options, "").trim();
}

function optionsOf(command: Command): readonly Option[] {
  return command.options.filter(({ hidden }) => !hidden);
}

function wordsOf(option: Option): string {
  const { description, argChoices, defaultValue } = option;
  const choices = argChoices === undefined ? "" : ` (${argChoices.join(", ")})`;
  const isTold = typeof defaultValue === "string" && argChoices !== undefined;
  return `${description}${choices}${isTold ? `; ${defaultValue} where none is given` : ""}`;
}

/** The manual as Markdown, a section for each command. @param program - Asked for nothing but its help. */
export function manualMarkdown(program: Command): string {
  const sections = commandsOf(program).map((called) => {
    const { command, name } = called;
    const options = optionsOf(command);
    const rows = options.map((option) => `| \`${option.flags.replaceAll("|", "\\|")}\` | ${cell(wordsOf(option))} |`);
    const given = command.registeredArguments.map((each) => `| \`${each.name()}\` | ${cell(each.description)} |`);
    const table = [...given, ...rows];
    return [
      `## ${name}`,
      command.description(),
      `\`\`\`text\n${usageOf(called)}\n\`\`\``,
      ...(table.length === 0 ? [] : [["| | |", "|---|---|", ...table].join("\n")]),
      ...(textAfter(command) === "" ? [] : [`\`\`\`text\n${textAfter(command)}\n\`\`\``]),
    ].join("\n\n");
  });
  return `# Commands

${program.description()} This page is made from the program's own help, as the man page is; \`trusted-builds COMMAND --help\` says the same.

${sections.join("\n\n")}
`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "\\<").replaceAll("\n", " ");
}

/**
 * The manual as a man page.
 *
 * @see man(7): the macros that every reader of man pages knows
 */
export function manualPage(program: Command, version: string): string {
  const lines = [
    `.TH TRUSTED-BUILDS 1 "" "trusted-builds ${roff(version)}"`,
    ".SH NAME",
    `trusted-builds \\- judge a container image by its signed provenance and that of every ancestor`,
    ".SH SYNOPSIS",
    ...commandsOf(program).flatMap(({ name }, i) => [...(i === 0 ? [] : [".br"]), `.B ${roff(name)}`]),
    ".SH DESCRIPTION",
    ...paragraph(program.description()),
    ...filled(textAfter(program)),
    ".SH COMMANDS",
    ...commandsOf(program).flatMap((called) => [
      `.SS ${roff(usageOf(called))}`,
      ...paragraph(called.command.description()),
      ...called.command.registeredArguments.flatMap((each) => tagged(each.name(), each.description)),
      ...optionsOf(called.command).flatMap((option) => tagged(option.flags, wordsOf(option))),
      ...filled(textAfter(called.command)),
    ]),
    ".SH SEE ALSO",
    ".BR docker\\-buildx (1),",
    ".BR cosign (1)",
  ];
  return `${lines.join("\n")}\n`;
}

function paragraph(text: string): readonly string[] {
  return text === "" ? [] : [".PP", ...text.split("\n").map(line)];
}

function tagged(name: string, text: string): readonly string[] {
  return [".TP", `.B ${roff(name)}`, ...text.split("\n").map(line)];
}

/** As it stands: tables and examples. */
function filled(text: string): readonly string[] {
  return text === "" ? [] : [".PP", ".nf", ...text.split("\n").map(line), ".fi"];
}

function line(text: string): string {
  const escaped = roff(text);
  // A dot or quote at the start would be a macro.
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function roff(text: string): string {
  const ascii = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  // groff(7) "Special characters": readers differ in what other bytes are to them.
  return ascii.replace(/[^\p{ASCII}]/gu, (character) => {
    const code = character.codePointAt(0)?.toString(16).toUpperCase() ?? "";
    return `\\[u${code.padStart(4, "0")}]`;
  });
}
