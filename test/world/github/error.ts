/** A refusal as GitHub words it. */
export class ApiError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What in particular, as the operation describes it. */
  readonly errors: readonly unknown[] | undefined;
  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    errors?: readonly unknown[],
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.headers = headers;
    this.errors = errors;
  }
}

/** What doesn't exist, and what one may not know to exist. */
export function notFound(): ApiError {
  return new ApiError(404, "Not Found");
}

/** What a token may not do. */
export function forbidden(message = "Resource not accessible by integration"): ApiError {
  return new ApiError(403, message);
}

/** What is understood and can't be done. */
export function unprocessable(message: string, errors?: readonly unknown[]): ApiError {
  return new ApiError(422, message, {}, errors);
}
