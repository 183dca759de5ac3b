/** Recording rules as `/prometheus/api/v1/rules` tells them, one after the other. */

export interface RulesAnswer {
  readonly data: { readonly groups: readonly Group[] };
}

interface Group {
  readonly name: string;
  /** The name of the resource. */
  readonly file: string;
  readonly interval: number;
  readonly missed: number;
  readonly rules: readonly {
    readonly name: string;
    readonly query: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly health: Health;
    readonly lastError?: string;
    readonly evaluationTime: number;
    readonly lastEvaluation: string;
  }[];
}

export type Health = 'ok' | 'err' | 'unknown';
export const HEALTHS: readonly Health[] = ['err', 'ok', 'unknown'];

export interface Rule {
  readonly key: string;
  readonly resource: string;
  readonly group: string;
  /** Seconds between two evaluations. */
  readonly interval: number;
  /** Evaluations of its group that were due and left out. */
  readonly missed: number;
  readonly record: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: Health;
  readonly error: string;
  readonly seconds: number;
  /** Of the last evaluation, in milliseconds; 0 before the first. */
  readonly at: number;
}

/** Rules that fail come first; the others stay in the order in which they are evaluated. */
export function rulesOf(answer: RulesAnswer): Rule[] {
  const rules = answer.data.groups.flatMap((group) =>
    group.rules.map((rule, place) => ({
      key: `${group.file}/${group.name}/${place}`,
      resource: group.file,
      group: group.name,
      interval: group.interval,
      missed: group.missed,
      record: rule.name,
      expr: rule.query,
      labels: rule.labels,
      health: rule.health,
      error: rule.lastError ?? '',
      seconds: rule.evaluationTime,
      at: Math.max(0, Date.parse(rule.lastEvaluation)),
    })),
  );
  return [
    ...rules.filter((rule) => rule.health === 'err'),
    ...rules.filter((rule) => rule.health !== 'err'),
  ];
}

export function rulesExample(project: string): string {
  return `kind: recording-rules
name: http
project: ${project}
spec:
  groups:
    - name: http
      interval: 1m
      rules:
        - record: job:http_requests:rate5m
          expr: sum by (job) (rate(http_server_request_duration_seconds_count[5m]))`;
}
