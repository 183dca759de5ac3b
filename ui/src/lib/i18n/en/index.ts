import { explore } from './explore';
import { frame } from './frame';
import { hosts } from './hosts';
import { health } from './health';
import { kinds } from './kinds.ts';
import { services } from './services';
import { settings } from './settings';

export const en = {
  ...frame,
  settings,
  kinds,
  explore,
  services,
  hosts,
  health,
};
