import type { Catalogue } from '../catalogue';
import { explore } from './explore';
import { frame } from './frame';
import { health } from './health';
import { hosts } from './hosts';
import { kinds } from './kinds.ts';
import { services } from './services';
import { settings } from './settings';
import { sql } from './sql';
import { trace } from './trace';

export const fr: Catalogue = {
  ...frame,
  explore,
  health,
  hosts,
  kinds,
  services,
  settings,
  sql,
  trace,
};
