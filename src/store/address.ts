import { StoreError } from "./error.ts";

/** Shorter ones would be found in any sentence. */
const MIN_SECRET_LENGTH = 4;

/**
 * A PostgreSQL URL, taken apart as far as messages need it.
 *
 * @throws {StoreError} `refused`; without the text, which may have a password in it.
 */
export function parseDatabaseUrl(text: string): {
  readonly forPeople: string;
  readonly conceal: (text: string) => string;
} {
  const url = URL.parse(text);
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol))
    throw new StoreError(
      "refused",
      "the database's URL can't be read: it has to be postgresql://user:password@host:port/database, with special characters percent-encoded",
    );
  // The password can stand in the query too.
  const given = [url.password, url.searchParams.get("password") ?? ""];
  const secrets = given
    .flatMap((secret) => [secret, decoded(secret)])
    .filter(({ length }) => length >= MIN_SECRET_LENGTH);
  return {
    forPeople: `${url.protocol}//${url.host}${url.pathname}`,
    conceal: (message) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "***"), message),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
