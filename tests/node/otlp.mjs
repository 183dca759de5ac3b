// A Node application with OpenTelemetry: one trace of two spans, a log record within it, two metrics.
// Arguments: the server's address, a key, the service's name.
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';

const [url, key, service] = process.argv.slice(2);
const to = (signal) => ({
  url: `${url}/v1/${signal}`,
  headers: { authorization: `Bearer ${key}` },
  compression: 'gzip',
});
const resource = resourceFromAttributes({
  'service.name': service,
  'service.version': '1.4.2',
  'deployment.environment.name': 'staging',
});

const spans = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(to('traces')) });
const tracers = new TracerProvider({ resource, spanProcessors: [spans] });
const records = new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(to('logs')) });
const loggers = new LoggerProvider({ resource, processors: [records] });
const reader = new PeriodicExportingMetricReader({
  exporter: new OTLPMetricExporter(to('metrics')),
  exportIntervalMillis: 60_000,
});
const meters = new MeterProvider({ resource, readers: [reader] });

const tracer = tracers.getTracer('node-shop', '1.0');
const parent = tracer.startSpan('GET /cart', { kind: SpanKind.SERVER, attributes: { items: 3 } });
const within = trace.setSpan(ROOT_CONTEXT, parent);
const child = tracer.startSpan('SELECT carts', { kind: SpanKind.CLIENT }, within);
child.recordException(new Error('no answer'));
child.setStatus({ code: SpanStatusCode.ERROR, message: 'no answer' });
child.end();
parent.end();

loggers.getLogger('node-shop').emit({
  severityNumber: 13,
  severityText: 'WARN',
  body: 'stock is low',
  attributes: { sku: 'A-1', left: 2, tags: ['a', 'b'], nested: { deep: true } },
  context: within,
});

const meter = meters.getMeter('node-shop');
meter.createCounter('node.orders').add(7, { kind: 'web' });
meter.createHistogram('node.duration', { unit: 's' }).record(0.25);

await Promise.all([tracers.shutdown(), loggers.shutdown(), meters.shutdown()]);
console.log(parent.spanContext().traceId);
