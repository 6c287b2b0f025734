/** `name=value` lines and `name<<DELIMITER` blocks, as the runner reads GITHUB_OUTPUT. @throws for a block that has no end. */
export function parseFileCommands(text: string): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    const [, block, delimiter] = /^([^=]+?)<<(.+)$/.exec(line) ?? [];
    const [, name, value = ""] = /^([^=]+)=(.*)$/.exec(line) ?? [];
    if (block !== undefined && delimiter !== undefined) {
      const end = lines.indexOf(delimiter, index + 1);
      if (end < 0) throw new Error(`the value of ${block} has no end: ${delimiter} is missing`);
      result[block] = lines.slice(index + 1, end).join("\n");
      index = end;
    } else if (name !== undefined) result[name] = value;
  }
  return result;
}
