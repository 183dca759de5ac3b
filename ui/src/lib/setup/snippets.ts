/** What to paste so that an application sends its telemetry here. */

export interface Target {
  /** Address of this server, as the browser reached it. */
  readonly origin: string;
  readonly key: string;
  readonly service: string;
  readonly environment: string;
  /** The project's slug. */
  readonly project: string;
  /** The address that Sentry's SDKs are given. */
  readonly dsn: string;
}

export interface Snippet {
  readonly id: 'shell' | 'python' | 'node' | 'collector' | 'curl';
  readonly code: string;
}

/** The key within a DSN: `https://KEY@host/ID`. */
export function keyOf(dsn: string | null | undefined): string {
  try {
    return dsn ? decodeURIComponent(new URL(dsn).username) : '';
  } catch {
    return '';
  }
}

export function originOf(dsn: string | null | undefined, otherwise: string): string {
  try {
    return dsn ? new URL(dsn).origin : otherwise;
  } catch {
    return otherwise;
  }
}

/** How Sentry's SDKs are told to send here. */
export const sentry = {
  python: ({ dsn, service, environment }: Target): string => `pip install sentry-sdk

import sentry_sdk

sentry_sdk.init(
    dsn="${dsn}",
    environment="${environment}",
    release="${service}@1.0.0",
    traces_sample_rate=1.0,
)`,
  javascript: ({ dsn, service, environment }: Target): string => `npm install @sentry/browser

import * as Sentry from '@sentry/browser'; // on a server: '@sentry/node'

Sentry.init({
  dsn: '${dsn}',
  environment: '${environment}',
  release: '${service}@1.0.0',
});`,
  /** Every SDK reads it from its environment. */
  other: ({ dsn, service, environment }: Target): string => `export SENTRY_DSN=${dsn}
export SENTRY_ENVIRONMENT=${environment}
export SENTRY_RELEASE=${service}@1.0.0`,
} as const;

export function snippets({ origin, key, service, environment }: Target): readonly Snippet[] {
  const environmentLines = `export OTEL_SERVICE_NAME=${service}
export OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=${environment}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${key}"`;
  return [
    { id: 'shell', code: environmentLines },
    {
      id: 'python',
      code: `pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http
opentelemetry-bootstrap -a install

${environmentLines}
export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true

opentelemetry-instrument python app.py`,
    },
    {
      id: 'node',
      code: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

${environmentLines}

node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      id: 'collector',
      code: `exporters:
  otlphttp/quarterdeck:
    endpoint: ${origin}
    compression: zstd
    headers:
      Authorization: Bearer ${key}

service:
  pipelines:
    traces: { receivers: [otlp], exporters: [otlphttp/quarterdeck] }
    metrics: { receivers: [otlp], exporters: [otlphttp/quarterdeck] }
    logs: { receivers: [otlp], exporters: [otlphttp/quarterdeck] }`,
    },
    {
      id: 'curl',
      // Whole seconds: the date of a Mac knows no nanoseconds.
      code: `now=$(date +%s)000000000
curl -sS ${origin}/v1/logs \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"resourceLogs":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"${service}"}}]},
    "scopeLogs":[{"logRecords":[{"timeUnixNano":"'$now'","severityNumber":9,
      "severityText":"INFO","body":{"stringValue":"first light"}}]}]}]}'`,
    },
  ];
}
