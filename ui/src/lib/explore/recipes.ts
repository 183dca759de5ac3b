/** How to send telemetry here, in words a shell or a collector understands. */
export interface Recipe {
  readonly id: string;
  readonly label: string;
  readonly code: string;
}

export function recipes(endpoint: string, key: string): readonly Recipe[] {
  const variables = `export OTEL_SERVICE_NAME=my-service
export OTEL_EXPORTER_OTLP_ENDPOINT=${endpoint}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${key}"`;
  return [
    {
      id: 'python',
      label: 'Python',
      code: `pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http
opentelemetry-bootstrap -a install

${variables}
export OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true

opentelemetry-instrument python app.py`,
    },
    {
      id: 'node',
      label: 'Node.js',
      code: `npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node

${variables}

node --require @opentelemetry/auto-instrumentations-node/register app.js`,
    },
    {
      id: 'collector',
      label: 'Collector',
      code: `exporters:
  otlphttp/quarterdeck:
    endpoint: ${endpoint}
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
      label: 'curl',
      code: `now=$(date +%s)000000000
curl -sS ${endpoint}/v1/logs \\
  -H 'Authorization: Bearer ${key}' \\
  -H 'Content-Type: application/json' \\
  -d '{"resourceLogs":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"my-service"}}]},
    "scopeLogs":[{"logRecords":[{"timeUnixNano":"'$now'","severityNumber":9,
      "severityText":"INFO","body":{"stringValue":"first light"}}]}]}]}'`,
    },
  ];
}
