/** Le langage de la recherche, et les recherches gardées. */
import type { Catalogue } from '../catalogue';

export const search: Catalogue['search'] = {
  offers: 'Ce qui peut venir ici',
  kinds: {
    field: 'champ',
    operator: 'opérateur',
    value: 'valeur',
    term: 'filtre',
    keyword: 'mot-clé',
    recent: 'récente',
  },
  help: {
    title: 'Comment chercher',
    try: 'Mettre dans la recherche',
    words: 'les deux mots',
    phrase: 'la phrase telle quelle',
    wild: '* pour tous caractères, ? pour un seul',
    field: 'cette valeur',
    not: 'tout le reste',
    or: 'l’un ou l’autre ; AND lie plus fort',
    group: 'les parenthèses d’abord',
    level: 'cette gravité ou pire',
    several: 'une valeur parmi plusieurs',
    duration: 'ns, us, ms, s, m, h',
    flags: 'en échec ; demandé du dehors',
    compare: 'des nombres comparés',
    range: 'de … à ; { } sans les bornes, * pour ouvert',
    exists: 'a le champ ; - devant : ne l’a pas',
    pattern: 'une valeur selon un motif',
    regex: 'une expression régulière, aussi field:/…/',
    more: 'Tout le langage est dans',
  },
};
