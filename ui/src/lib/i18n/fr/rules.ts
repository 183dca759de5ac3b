import type { Catalogue } from '../catalogue';

export const rules: Catalogue['rules'] = {
  title: 'Règles',
  table: 'Règles d’enregistrement, celles qui échouent d’abord',
  failing: (n) => (n === 1 ? '1 échoue' : `${n} échouent`),
  groups: 'Groupe',
  allGroups: 'Tous les groupes',
  healths: 'Santé',
  health: { ok: 'OK', err: 'Échoue', unknown: 'Pas encore' },
  column: {
    health: 'Santé',
    rule: 'Règle',
    group: 'Groupe',
    interval: 'Toutes les',
    last: 'Dernier calcul',
    duration: 'Durée',
    error: 'Erreur',
  },
  expression: 'Expression',
  missed: 'Laissés de côté',
  missedHint: 'Calculs de ce groupe qui étaient dus depuis trop longtemps pour être rattrapés.',
  ask: 'Interroger ses séries',
  change: 'La modifier',
  open: 'L’ouvrir',
  all: 'Groupes de règles',
  add: 'Nouvelles règles',
  none: 'Aucune règle n’enregistre encore rien',
  noneHint:
    'Une règle d’enregistrement calcule une expression à intervalle régulier et garde le résultat comme une série : une question coûteuse devient bon marché. Un fichier de règles de Prometheus se colle tel quel.',
  file: 'rules.yml',
};
