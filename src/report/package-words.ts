import type { ListFormat } from "../trust/packages-change.ts";

/** What formats of lists of packages are called. */
export const FORMATS: Readonly<Record<ListFormat, string>> = { spdx: "SPDX", cyclonedx: "CycloneDX" };

/** Where there is no list that counts. */
export const NO_LIST = "No list of packages (SBOM) is attested by anyone whom the policy lets speak for this image";
