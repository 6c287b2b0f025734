import { errorPage } from "../report/error-page.ts";
import { missingImagePage } from "../report/missing-image-page.ts";
import { CONTENT_SECURITY_POLICY, IMAGE_PAGE_POLICY } from "../report/page-layout.ts";
import type { ApiResponse } from "./exchange.ts";
import { type Freshness, NOT_KEPT } from "./freshness.ts";
import { PROBLEMS, type Problem } from "./problem.ts";

/** A page as it is sent: our own script at most, nothing from elsewhere, in nobody's frame. */
export function pageResponse(html: string, freshness: Freshness, status = 200): ApiResponse {
  const { headers, ...shared } = freshness;
  return {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": IMAGE_PAGE_POLICY,
      "cross-origin-resource-policy": "same-origin",
      ...headers,
    },
    body: html,
    ...shared,
  };
}

/**
 * How the problems of pages are told: to people. For what is hidden and for what isn't there it is one page in the same bytes, with
 * nothing in it of what was asked (DESIGN §6).
 *
 * @param asks - Whether this server has images judged that anyone names.
 */
export function tellOnPage(asks: boolean) {
  return ({ code, detail, options }: Problem, requestId: string | undefined): ApiResponse => {
    if (code === "nothing") return pageResponse(missingImagePage(asks), NOT_KEPT, PROBLEMS.nothing.status);
    const { status, title, mend } = PROBLEMS[code];
    const said = [detail, mend, requestId === undefined ? undefined : `Request ${requestId}`];
    const page = errorPage(status, title, said.flatMap((each) => (each === undefined ? [] : [each])).join(". "));
    const response = pageResponse(page, NOT_KEPT, status);
    return {
      ...response,
      headers: { ...response.headers, "content-security-policy": CONTENT_SECURITY_POLICY, ...options.headers },
    };
  };
}
