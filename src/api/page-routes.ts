import { assets } from "./assets.ts";
import { badges } from "./badges.ts";
import type { Route } from "./exchange.ts";
import { imagePages } from "./image-pages.ts";
import { inquiryPages } from "./inquiry-pages.ts";
import type { PagePorts } from "./page-ports.ts";
import { searchPages } from "./search-pages.ts";

/** Every address for people. A badge stands before a page: the page of a tag that ends in `.svg` is written with `%2Esvg`. */
export function pageRoutes(ports: PagePorts): readonly Route[] {
  const { asking } = ports;
  return [
    badges(ports),
    imagePages(ports),
    ...searchPages(ports),
    ...(asking === undefined ? [] : inquiryPages(ports, asking)),
    assets(),
  ];
}
