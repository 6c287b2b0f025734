import type { AdmissionSettings } from "../admission/settings.ts";
import { parseGrace } from "../admission/settings.ts";

/** How a cluster's webhooks are served. */
export interface AdmissionConfig {
  readonly host: string;
  readonly port: number;
  /** Files in PEM; read again when they change. */
  readonly certificate: string;
  readonly key: string;
  /** A file with the authorities, in PEM, one of which must have signed the certificate of whoever asks; undefined: nobody is asked for one. */
  readonly clientAuthorities: string | undefined;
  readonly settings: AdmissionSettings;
}

/**
 * Reads the variables `ADMISSION_…`; undefined without a port: no cluster asks here. Whether a grace is short enough is seen at the start,
 * which knows the day.
 *
 * @param text - A variable's value; undefined for an empty one.
 * @param faults - Where what is wrong is added.
 */
export function readAdmission(
  text: (name: string) => string | undefined,
  faults: string[],
): AdmissionConfig | undefined {
  const port = text("ADMISSION_PORT");
  if (port === undefined) return undefined;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) faults.push("ADMISSION_PORT: a whole number up to 65535");
  const oneOf = <Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word => {
    const value = text(name) ?? words[0];
    const found = words.find((word) => word === value);
    if (found === undefined) faults.push(`${name}: ${words.join(" or ")}`);
    return found ?? words[0];
  };
  const file = (name: string) => {
    const path = text(name);
    if (path === undefined) faults.push(`${name}: missing; clusters ask over TLS only, and the file is in PEM`);
    return path ?? "";
  };
  const given = text("ADMISSION_GRACE");
  const grace = given === undefined ? undefined : parseGrace(given);
  if (given !== undefined && grace === undefined)
    faults.push("ADMISSION_GRACE: NAME until YYYY-MM-DD, as adopting until 2027-01-31");
  return {
    host: text("ADMISSION_HOST") ?? "localhost",
    port: Number(port),
    certificate: file("ADMISSION_TLS_CERT"),
    key: file("ADMISSION_TLS_KEY"),
    clientAuthorities: text("ADMISSION_CLIENT_CA"),
    settings: {
      undetermined: oneOf("ADMISSION_UNDETERMINED", ["deny", "allow"]),
      unknown: oneOf("ADMISSION_UNKNOWN", ["deny", "allow"]),
      isEnforced: oneOf("ADMISSION_ENFORCE", ["on", "off"]) === "on",
      grace,
    },
  };
}
