import type { ListFormat } from "../trust/packages-change.ts";

/** What formats of lists of packages are called. */
export const FORMATS: Readonly<Record<ListFormat, string>> = { spdx: "SPDX", cyclonedx: "CycloneDX" };

/** What there is where no list counts: `there is …`. */
export const NO_LIST = "no list of packages (SBOM) attested by anyone whom the policy lets speak for this image";
