/** Kinds of resources and their fields. English says what the schema says itself, but for lists. */
type Words = Record<
  string,
  { title: string; note: string; fields: Record<string, readonly [string, string]> }
>;

export const kinds: Words = {
  'saved-search': {
    title: 'Saved searches',
    note: 'A search over traces or logs that is worth keeping.',
    fields: {},
  },
  'derived-metric': {
    title: 'Derived metrics',
    note: 'Metrics counted from logs or spans.',
    fields: {},
  },
  dashboard: {
    title: 'Dashboards',
    note: 'Panels over metrics, logs and SQL.',
    fields: {},
  },
  'log-drain': {
    title: 'Log drains',
    note: 'Addresses to which Vercel, Netlify or Supabase send logs.',
    fields: {},
  },
  'scrape-job': {
    title: 'Scrape jobs',
    note: 'Exporters that are asked for their metrics, as Prometheus asks them.',
    fields: {},
  },
  'recording-rules': {
    title: 'Recording rules',
    note: 'Groups of PromQL expressions worked out on a clock into series of their own.',
    fields: {},
  },
  'saved-query': {
    title: 'Saved queries',
    note: 'SQL over telemetry that is worth keeping.',
    fields: {},
  },
};
