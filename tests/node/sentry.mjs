// A Node application with Sentry's SDK: a trace of two spans, a log record and an error within it,
// three metrics. Argument: the DSN.
import * as Sentry from '@sentry/node';

Sentry.init({
  dsn: process.argv[2],
  release: 'cart@3.0.1',
  environment: 'staging',
  serverName: 'node-1',
  tracesSampleRate: 1,
  enableLogs: true,
  defaultIntegrations: false,
});
Sentry.setUser({ id: '9' });
const request = { name: 'GET /cart', op: 'http.server', attributes: { items: 3 } };
const query = { name: 'SELECT 1', op: 'db', attributes: { 'db.system': 'postgresql' } };
await Sentry.startSpan(request, async (span) => {
  await Sentry.startSpan(query, async () => {});
  Sentry.logger.error('stock is low', { left: 2 });
  Sentry.metrics.count('carts', 2, { attributes: { plan: 'free' } });
  Sentry.metrics.count('carts', 1, { attributes: { plan: 'free' } });
  Sentry.metrics.distribution('cart.took', 30, { unit: 'millisecond' });
  try {
    null.cart;
  } catch (error) {
    Sentry.captureException(error);
  }
  console.log(span.spanContext().traceId);
});
await Sentry.close(30_000);
