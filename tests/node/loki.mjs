// winston with its Loki transport, protobuf in snappy. Arguments: address, key, service.
import winston from 'winston';
import LokiTransport from 'winston-loki';

const [url, key, service] = process.argv.slice(2);
const loki = new LokiTransport({
  host: url,
  basicAuth: `any:${key}`,
  labels: { app: service },
  batching: false,
  timeout: 20_000,
  onConnectionError: (error) => console.error(error),
});
const logger = winston.createLogger({ level: 'debug', transports: [loki] });
logger.error('payment declined', { order: 42 });
await loki.flush();
await new Promise((done) => setTimeout(done, 1_500));
process.exit(0);
