/** Dashboards as the API has them, with every list there. */
import type { components } from '#lib/api/schema.d.ts';

type Schemas = components['schemas'];

/** What the explorer alone says of a query, for it shows what is being written. */
interface Written {
  /** The letter of its row. */
  readonly letter?: string;
  /** The words as they were typed, where others stand for them in what is asked. */
  readonly typed?: string;
  /** The unit of its own figures, where the panel has none for all of them. */
  readonly unit?: string;
}
export type Query = Required<Schemas['Query']> & Written;
export type Threshold = Required<Schemas['Threshold']>;
export type Link = Schemas['Link'];
export type Option = Schemas['Option'];
export type Variable = Required<Omit<Schemas['Variable'], 'options'>> & { options: Option[] };
export type Panel = Required<Omit<Schemas['Panel'], 'queries' | 'thresholds' | 'links'>> & {
  queries: Query[];
  thresholds: Threshold[];
  links: Link[];
};
export type PanelKind = Panel['kind'];
export type Spec = Required<Omit<Schemas['DashboardSpec'], 'variables' | 'panels' | 'links'>> & {
  variables: Variable[];
  panels: Panel[];
  links: Link[];
};
export type Head = Schemas['DashboardHead'];
export type Dashboard = Omit<Schemas['DashboardView'], 'spec'> & { spec: Spec };
export type Imported = Omit<Schemas['Imported'], 'spec'> & { spec: Spec };
export type Note = Schemas['NoteView'];

export const emptyQuery = (): Query => ({
  promql: '',
  sql: '',
  logs: null,
  saved_search: null,
  legend: '',
});

export function emptyPanel(id: string, kind: PanelKind, title: string): Panel {
  const logs = kind === 'logs' ? { logs: '' } : {};
  const asks = kind !== 'markdown' && kind !== 'row';
  return {
    id,
    title,
    description: '',
    kind,
    x: 0,
    y: 0,
    w: kind === 'row' ? 24 : kind === 'stat' ? 6 : 12,
    h: kind === 'row' ? 1 : kind === 'stat' ? 4 : 8,
    queries: asks ? [{ ...emptyQuery(), ...logs }] : [],
    text: '',
    unit: '',
    decimals: null,
    min: null,
    max: null,
    log: false,
    stacked: false,
    fill: false,
    bars: false,
    legend: 'above',
    thresholds: [],
    reduce: 'last',
    folded: false,
    links: [],
  };
}

export const emptyVariable = (name: string): Variable => ({
  name,
  label: '',
  kind: 'labels',
  query: '',
  regex: '',
  options: [],
  default: [],
  multi: false,
  include_all: false,
  hidden: false,
});
