import type { Catalogue } from '../catalogue';
import { analysis } from './analysis';
import { dashboards } from './dashboards';
import { errors } from './errors';
import { explore } from './explore';
import { frame } from './frame';
import { health } from './health';
import { hosts } from './hosts';
import { kinds } from './kinds.ts';
import { logs } from './logs';
import { map } from './map';
import { metrics } from './metrics';
import { rules } from './rules';
import { search } from './search';
import { services } from './services';
import { settings } from './settings';
import { sql } from './sql';
import { targets } from './targets';
import { trace } from './trace';

export const fr: Catalogue = {
  ...frame,
  analysis,
  dashboards,
  errors,
  explore,
  health,
  hosts,
  kinds,
  logs,
  map,
  metrics,
  rules,
  search,
  services,
  settings,
  sql,
  targets,
  trace,
};
