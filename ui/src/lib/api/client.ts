/**
 * The one way to the server. Adds the project and the CSRF token, turns every failure
 * into an `ApiError` in the server's own shape, and sends whoever is signed out to the
 * login page. Nothing else in the application calls `fetch`. Integers beyond 2^53 arrive as
 * strings of their digits (see json.ts).
 */
import { t } from '#lib/i18n/index.svelte.ts';
import { parseJson } from './json.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Params = Record<string, string | number | boolean | null | undefined>;

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  params?: Params;
  body?: unknown;
  /** Sent as a form, as Prometheus takes long questions. */
  form?: Record<string, string>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** False for the pages before sign-in, where 401 is an answer and not a dead session. */
  guarded?: boolean;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint = '',
    readonly details: Record<string, unknown> = {},
    readonly retryAfter: number | null = null,
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

/** Set by the session: the CSRF token, and what to do when the session has ended. */
export const wire: { csrf: string; signedOut: () => void } = {
  csrf: '',
  signedOut: () => undefined,
};

/** Longer than any read may take: past it, the answer is lost. A change is waited for. */
const PATIENCE_MS = 60_000;

export function query(params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

/** True for the rejection of a request that was abandoned: never an error to show. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Any thrown thing as an ApiError, so that one component can show them all. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new ApiError(0, 'client_failed', text);
}

async function failure(response: Response): Promise<ApiError> {
  const retry = Number(response.headers.get('retry-after'));
  const after = Number.isFinite(retry) && retry > 0 ? retry : null;
  try {
    const body = (await response.json()) as {
      error:
        | string
        | { code: string; message: string; hint?: string; details?: Record<string, unknown> };
      errorType?: string;
    };
    // Prometheus' shape, which the routes under /prometheus keep to.
    if (typeof body.error === 'string')
      return new ApiError(response.status, body.errorType ?? 'error', body.error, '', {}, after);
    const { error } = body;
    return new ApiError(
      response.status,
      error.code,
      error.message,
      error.hint ?? '',
      error.details ?? {},
      after,
    );
  } catch {
    return new ApiError(
      response.status,
      `http_${response.status}`,
      t.error.unexplained(response.status),
      t.error.unexplainedHint,
      {},
      after,
    );
  }
}

async function send(path: string, request: Request): Promise<Response> {
  const method = request.method ?? 'GET';
  const headers: Record<string, string> = { Accept: 'application/json', ...request.headers };
  if (request.body !== undefined) headers['Content-Type'] = 'application/json';
  if (request.form) headers['Content-Type'] = 'application/x-www-form-urlencoded';
  if (method !== 'GET' && wire.csrf) headers['X-CSRF-Token'] = wire.csrf;
  const signals = [
    ...(request.signal ? [request.signal] : []),
    ...(method === 'GET' ? [AbortSignal.timeout(PATIENCE_MS)] : []),
  ];
  return await fetch(path + query(request.params), {
    method,
    headers,
    body: request.form
      ? new URLSearchParams(request.form).toString()
      : request.body === undefined
        ? undefined
        : JSON.stringify(request.body),
    signal: signals.length ? AbortSignal.any(signals) : undefined,
    credentials: 'same-origin',
  });
}

/** A connection that failed, was cut in the middle of an answer, or went silent. */
function lost(error: unknown): unknown {
  if (isAbort(error) || error instanceof ApiError) return error;
  return new ApiError(0, 'server_unreachable', t.error.unreachable, t.error.unreachableHint);
}

/** Call the API: the decoded body, or an `ApiError`. */
export async function api<T>(path: string, request: Request = {}): Promise<T> {
  let text: string;
  try {
    const response = await send(path, request);
    if (!response.ok) {
      if (response.status === 401 && request.guarded !== false) wire.signedOut();
      throw await failure(response);
    }
    if (response.status === 204) return undefined as T;
    text = await response.text();
  } catch (error) {
    throw lost(error);
  }
  return (text ? parseJson(text) : undefined) as T;
}
