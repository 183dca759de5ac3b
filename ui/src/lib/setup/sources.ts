/**
 * Everything that can send here: what to paste, and how its first item is recognised when it
 * arrives. `heard` judges a sender as the server lists it: the way in, and the program's name.
 */
import { applyCommand, jobExample } from '../targets/targets.ts';
import { sentry, snippets, type Snippet, type Target } from './snippets.ts';

export type Group = 'apps' | 'errors' | 'platforms' | 'shippers' | 'hand';

/** Pages on which one sees what arrives. */
export type Look = 'traces' | 'logs' | 'metrics';

export interface Source {
  readonly id: string;
  readonly group: Group;
  readonly name: string;
  readonly code: (target: Target) => string;
  readonly heard: (way: string, agent: string) => boolean;
  /** Where to look once it has arrived; traces and logs unless said. */
  readonly look?: readonly Look[];
  /** The page on which one sees whether it works, where that is not told here. */
  readonly seen?: '/targets';
  /** A kind of resource that it needs first. */
  readonly needs?: { readonly kind: 'log-drain'; readonly provider: string };
}

const from =
  (id: Snippet['id']) =>
  (target: Target): string =>
    snippets(target).find((each) => each.id === id)?.code ?? '';

const otlp =
  (...agents: readonly string[]) =>
  (way: string, agent: string): boolean =>
    way === 'otlp' && agents.some((each) => agent.startsWith(each));

const drain = (provider: string): Pick<Source, 'code' | 'heard' | 'needs'> => ({
  code: ({ origin, key, project }) =>
    `${origin}/api/drains/${provider}/${provider}?project=${project}&key=${key}`,
  heard: (way) => way === provider,
  needs: { kind: 'log-drain', provider },
});

const host = (origin: string): string => new URL(origin).hostname;
const port = (origin: string): string =>
  new URL(origin).port || (origin.startsWith('https') ? '443' : '80');
const tls = (origin: string): string => (origin.startsWith('https') ? 'On' : 'Off');

const otlpEnv = ({ origin, key, service, environment }: Target, more = ''): string =>
  `export OTEL_SERVICE_NAME=${service}
export OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=${environment}
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20${key}"${more}`;

export const SOURCES: readonly Source[] = [
  {
    id: 'python',
    group: 'apps',
    name: 'Python',
    code: from('python'),
    heard: otlp('OTel-OTLP-Exporter-Python', 'OTel OTLP Exporter Python'),
  },
  {
    id: 'node',
    group: 'apps',
    name: 'Node.js',
    code: from('node'),
    heard: otlp('OTel-OTLP-Exporter-JavaScript', 'OTel OTLP Exporter JavaScript'),
  },
  {
    id: 'browser',
    group: 'apps',
    name: 'Browser',
    code: ({
      origin,
      key,
      service,
    }) => `npm install @opentelemetry/sdk-trace-web @opentelemetry/exporter-trace-otlp-http \\
  @opentelemetry/instrumentation @opentelemetry/instrumentation-fetch @opentelemetry/resources

// telemetry.js
import { WebTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-web';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch';
import { resourceFromAttributes } from '@opentelemetry/resources';

const exporter = new OTLPTraceExporter({
  url: '${origin}/v1/traces',
  headers: { Authorization: 'Bearer ${key}' },
});
new WebTracerProvider({
  resource: resourceFromAttributes({ 'service.name': '${service}' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
}).register();
registerInstrumentations({ instrumentations: [new FetchInstrumentation()] });`,
    heard: otlp('Mozilla'),
  },
  {
    id: 'go',
    group: 'apps',
    name: 'Go',
    code: (target) => `go get go.opentelemetry.io/otel/sdk \\
  go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp

// main.go
exporter, err := otlptracehttp.New(ctx) // reads the variables below
if err != nil { log.Fatal(err) }
provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
defer provider.Shutdown(ctx)
otel.SetTracerProvider(provider)

${otlpEnv(target)}
go run .`,
    heard: otlp('OTel OTLP Exporter Go', 'OTel-OTLP-Exporter-Go', 'OTel Go OTLP'),
  },
  {
    id: 'java',
    group: 'apps',
    name: 'Java',
    code: (
      target,
    ) => `curl -LO https://github.com/open-telemetry/opentelemetry-java-instrumentation/releases/latest/download/opentelemetry-javaagent.jar

${otlpEnv(target)}

java -javaagent:opentelemetry-javaagent.jar -jar app.jar`,
    heard: (way, agent) => way === 'otlp' && /^OTel.OTLP.Exporter.Java$/.test(agent),
  },
  {
    id: 'sentry-python',
    group: 'errors',
    name: 'Python',
    code: sentry.python,
    heard: (way, agent) => way === 'sentry' && agent.startsWith('sentry.python'),
  },
  {
    id: 'sentry-javascript',
    group: 'errors',
    name: 'JavaScript',
    code: sentry.javascript,
    heard: (way, agent) => way === 'sentry' && agent.startsWith('sentry.javascript'),
  },
  {
    id: 'sentry',
    group: 'errors',
    name: 'Any other SDK',
    code: sentry.other,
    heard: (way, agent) => way === 'sentry' && !/^sentry\.(python|javascript)/.test(agent),
  },
  { id: 'vercel', group: 'platforms', name: 'Vercel', ...drain('vercel') },
  { id: 'netlify', group: 'platforms', name: 'Netlify', ...drain('netlify') },
  { id: 'supabase', group: 'platforms', name: 'Supabase', ...drain('supabase') },
  {
    id: 'docker',
    group: 'platforms',
    name: 'Docker',
    code: ({
      origin,
      key,
      service,
      environment,
    }) => `# docker-compose.yml: what containers print, by way of Fluent Bit
services:
  ${service}:
    image: ${service}
    environment:
      OTEL_SERVICE_NAME: ${service}
      OTEL_RESOURCE_ATTRIBUTES: deployment.environment.name=${environment}
      OTEL_EXPORTER_OTLP_ENDPOINT: ${origin}
      OTEL_EXPORTER_OTLP_HEADERS: Authorization=Bearer%20${key}
    logging:
      driver: fluentd
      options: { fluentd-address: localhost:24224, tag: ${service} }
  logs:
    image: fluent/fluent-bit:latest
    ports: ["127.0.0.1:24224:24224"]
    command: >-
      /fluent-bit/bin/fluent-bit -i forward
      -o http -p host=${host(origin)} -p port=${port(origin)} -p tls=${tls(origin)}
      -p uri=/api/logs?service=${service} -p format=json_lines
      -p "header=Authorization Bearer ${key}" -m '*'`,
    heard: (way, agent) => way === 'ndjson' && agent.startsWith('Fluent-Bit'),
  },
  {
    id: 'collector',
    group: 'shippers',
    name: 'OpenTelemetry Collector',
    code: from('collector'),
    heard: otlp('OpenTelemetry Collector', 'otelcol'),
  },
  {
    id: 'prometheus',
    group: 'shippers',
    name: 'Prometheus (remote write)',
    code: ({ origin, key, project }) => `# prometheus.yml
remote_write:
  - url: ${origin}/prometheus/api/v1/write
    authorization:
      credentials: ${key}
    headers:
      X-Quarterdeck-Project: ${project}
    send_exemplars: true
    send_native_histograms: true
    # Prometheus 3 and later:
    # protobuf_message: io.prometheus.write.v2.Request`,
    heard: (way) => way === 'remote_write',
    look: ['metrics'],
  },
  {
    id: 'scrape',
    group: 'shippers',
    name: 'Exporters (scraped from here)',
    code: ({ origin, project }) => `# jobs.yml
${jobExample(project)}

# Then:
${applyCommand(origin)}`,
    heard: () => false,
    seen: '/targets',
    look: ['metrics'],
  },
  {
    id: 'vector',
    group: 'shippers',
    name: 'Vector',
    code: ({ origin, key }) => `# vector.yaml
sinks:
  quarterdeck:
    type: http
    inputs: [your_source]
    uri: ${origin}/api/logs
    method: post
    compression: gzip
    framing: { method: newline_delimited }
    encoding: { codec: json }
    auth: { strategy: bearer, token: ${key} }`,
    heard: (_, agent) => agent.startsWith('Vector'),
  },
  {
    id: 'fluentbit',
    group: 'shippers',
    name: 'Fluent Bit',
    code: ({ origin, key, service }) => `# fluent-bit.conf
[OUTPUT]
    Name        http
    Match       *
    Host        ${host(origin)}
    Port        ${port(origin)}
    Tls         ${tls(origin)}
    URI         /api/logs?service=${service}
    Format      json_lines
    Compress    gzip
    Header      Authorization Bearer ${key}`,
    heard: (_, agent) => agent.startsWith('Fluent-Bit'),
  },
  {
    id: 'loki',
    group: 'shippers',
    name: 'Promtail, Alloy (Loki)',
    code: ({ origin, key }) => `# promtail.yaml
clients:
  - url: ${origin}/loki/api/v1/push
    bearer_token: ${key}`,
    heard: (way) => way === 'loki',
  },
  {
    id: 'elasticsearch',
    group: 'shippers',
    name: 'Filebeat (Elasticsearch)',
    code: ({ origin, key }) => `# filebeat.yml
output.elasticsearch:
  hosts: ["${origin}/elasticsearch"]
  username: quarterdeck
  password: ${key}
setup.ilm.enabled: false
setup.template.enabled: false`,
    heard: (way) => way === 'elasticsearch',
  },
  {
    id: 'syslog',
    group: 'shippers',
    name: 'Syslog (rsyslog)',
    code: ({
      origin,
    }) => `# The server listens once a port is set: quarterdeck serve --syslog-tcp-port 5514
# /etc/rsyslog.d/quarterdeck.conf
*.* action(type="omfwd" target="${host(origin)}" port="5514" protocol="tcp"
           template="RSYSLOG_SyslogProtocol23Format"
           action.resumeRetryCount="-1" queue.type="linkedList")`,
    heard: (way) => way.startsWith('syslog'),
  },
  {
    id: 'agent',
    group: 'shippers',
    name: 'Quarterdeck agent (hosts, files)',
    code: ({ origin, key }) => `pip install quarterdeck
QUARTERDECK_KEY=${key} quarterdeck agent --url ${origin} --file '/var/log/*.log'`,
    heard: (_, agent) => agent.toLowerCase().startsWith('quarterdeck'),
    look: ['metrics', 'logs'],
  },
  {
    id: 'lines',
    group: 'hand',
    name: 'curl: a log line',
    code: ({ origin, key, service }) => `curl -sS '${origin}/api/logs?service=${service}' \\
  -H 'Authorization: Bearer ${key}' \\
  -d '{"level":"info","message":"first light","user_id":"42"}'`,
    heard: (way, agent) => way === 'ndjson' && agent === 'curl',
  },
  {
    id: 'curl',
    group: 'hand',
    name: 'curl: OTLP',
    code: from('curl'),
    heard: otlp('curl'),
  },
];
