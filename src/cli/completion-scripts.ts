import type { Offer, Place } from "./completion-places.ts";

/** The shells that a script is made for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A script that teaches a shell to complete the program's words. */
export function completionScript(shell: (typeof SHELLS)[number], program: string, places: readonly Place[]): string {
  const write = { bash: bashScript, zsh: zshScript, fish: fishScript }[shell];
  return `${write(program, places).join("\n")}\n`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
const patterns = (texts: readonly string[]) => texts.map(quoted).join(" | ");
const nameOf = (program: string) => `_${program.replaceAll(/[^a-z]/g, "_")}`;

/** The commands that have others before them, as a `case` reads them. */
const commandPaths = (places: readonly Place[]) => places.flatMap(({ at }) => (at === "" ? [] : [at]));

/** Each option that takes a value, in its place: ` verify --output`. */
function valued(places: readonly Place[]): readonly { readonly before: readonly string[]; readonly value: Offer }[] {
  return places.flatMap(({ at, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined ? [] : [{ before: names.map((name) => `${at} ${name}`), value }],
    ),
  );
}

/** Also for bash 3.2, which has no `mapfile`. */
function bashScript(program: string, places: readonly Place[]): readonly string[] {
  const name = nameOf(program);
  // compgen expands its words once more.
  const list = (words: readonly string[]) => quoted(words.filter((word) => /^[\w./-]+$/.test(word)).join(" "));
  const take = (offer: Offer) =>
    offer.kind === "words"
      ? `${name}_take -W ${list(offer.words)} -- "$cur"`
      : offer.kind === "file"
        ? `compopt -o filenames 2>/dev/null || :; ${name}_take -f -- "$cur"`
        : ":";
  return [
    `# bash completion for ${program}: source <(${program} completion bash)`,
    `${name}_take() {`,
    "  local found",
    '  while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen "$@")',
    "}",
    `${name}() {`,
    `  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= i`,
    "  COMPREPLY=()",
    "  # --output=json comes in three words.",
    '  if [[ $cur == "=" ]]; then cur=',
    `  elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}`,
    "  fi",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    `    case "$at \${COMP_WORDS[i]}" in`,
    `      ${patterns(commandPaths(places))}) at="$at \${COMP_WORDS[i]}" ;;`,
    "    esac",
    "  done",
    '  case "$at $prev" in',
    ...valued(places).map(({ before, value }) => `    ${patterns(before)}) ${take(value)}; return ;;`),
    "  esac",
    '  case "$at" in',
    ...places.flatMap(({ at, commands, options, argument }) => {
      const words = list(options.flatMap(({ names }) => names));
      const rest: Offer = commands.length > 0 ? { kind: "words", words: commands.map((each) => each.name) } : argument;
      return [
        `    ${quoted(at)})`,
        `      if [[ $cur == -* ]]; then ${name}_take -W ${words} -- "$cur"; else ${take(rest)}; fi ;;`,
      ];
    }),
    "  esac",
    "}",
    `complete -F ${name} ${program}`,
  ];
}

/** `path` is the shell's own in zsh: it would lose its programs. */
function zshScript(program: string, places: readonly Place[]): readonly string[] {
  const name = nameOf(program);
  const take = (offer: Offer) =>
    offer.kind === "words" ? `compadd -- ${offer.words.map(quoted).join(" ")}` : offer.kind === "file" ? "_files" : ":";
  const described = (word: string, about: string) => quoted(`${word}:${about.replaceAll(/[\\:]/g, "\\$&")}`);
  return [
    `#compdef ${program}`,
    `# zsh completion for ${program}: source <(${program} completion zsh), or as ${name} in a folder of $fpath`,
    `${name}() {`,
    "  local at= i",
    "  local -a found",
    "  for ((i = 2; i < CURRENT; i++)); do",
    `    case "$at \${words[i]}" in`,
    `      ${patterns(commandPaths(places))}) at="$at \${words[i]}" ;;`,
    "    esac",
    "  done",
    `  case "$at \${words[CURRENT-1]}" in`,
    ...valued(places).map(({ before, value }) => `    ${patterns(before)}) ${take(value)}; return ;;`),
    "  esac",
    '  case "$at" in',
    ...places.flatMap(({ at, commands, options, argument }) => {
      const flags = options.flatMap(({ names, about }) => names.map((each) => described(each, about)));
      const below = commands.map((each) => described(each.name, each.about));
      return [
        `    ${quoted(at)})`,
        "      if [[ $PREFIX == -* ]]; then",
        `        found=(${flags.join(" ")})`,
        "        _describe option found",
        "      else",
        ...(below.length > 0
          ? [`        found=(${below.join(" ")})`, "        _describe command found"]
          : [`        ${take(argument)}`]),
        "      fi ;;",
      ];
    }),
    "  esac",
    "}",
    `if [[ $funcstack[1] == ${name} ]]; then ${name}; else compdef ${name} ${program}; fi`,
  ];
}

function fishScript(program: string, places: readonly Place[]): readonly string[] {
  const fishQuoted = (text: string) => `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
  const name = `_${nameOf(program)}_at`;
  const given = (offer: Offer) =>
    offer.kind === "words" ? ` -x -a ${fishQuoted(offer.words.join(" "))}` : offer.kind === "file" ? " -r -F" : " -x";
  const flag = (each: string) => (each.startsWith("--") ? ` -l ${each.slice(2)}` : ` -s ${each.slice(1)}`);
  return [
    `# fish completion for ${program}: ${program} completion fish | source`,
    `function ${name}`,
    "  set -l at ''",
    "  for word in (commandline -opc)[2..-1]",
    '    switch "$at $word"',
    `      case ${commandPaths(places).map(fishQuoted).join(" ")}`,
    '        set at "$at $word"',
    "    end",
    "  end",
    '  test "$at" = "$argv[1]"',
    "end",
    `complete -c ${program} -f`,
    ...places.flatMap(({ at, commands, options, argument }) => {
      const here = `complete -c ${program} -n ${fishQuoted(`${name} "${at}"`)}`;
      return [
        ...commands.map((each) => `${here} -a ${fishQuoted(each.name)} -d ${fishQuoted(each.about)}`),
        ...options.map(
          ({ names, about, value }) =>
            `${here}${names.map(flag).join("")}${value === undefined ? "" : given(value)} -d ${fishQuoted(about)}`,
        ),
        ...(argument.kind === "file" && commands.length === 0 ? [`${here} -F`] : []),
        ...(argument.kind === "words" ? [`${here} -a ${fishQuoted(argument.words.join(" "))}`] : []),
      ];
    }),
  ];
}
