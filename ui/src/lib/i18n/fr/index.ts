import type { Catalogue } from '../catalogue';
import { analysis } from './analysis';
import { explore } from './explore';
import { frame } from './frame';
import { health } from './health';
import { hosts } from './hosts';
import { kinds } from './kinds.ts';
import { logs } from './logs';
import { search } from './search';
import { map } from './map';
import { services } from './services';
import { settings } from './settings';
import { sql } from './sql';
import { trace } from './trace';

export const fr: Catalogue = {
  ...frame,
  analysis,
  explore,
  health,
  hosts,
  kinds,
  logs,
  search,
  map,
  services,
  settings,
  sql,
  trace,
};
