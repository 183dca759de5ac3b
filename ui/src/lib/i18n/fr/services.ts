/** Goulots, et ce que la page d’un service montre en plus de son cours. */
import type { Catalogue } from '../catalogue';

export const services: Catalogue['services'] = {
  tabs: {
    label: 'Vues du service',
    overview: 'Vue d’ensemble',
    versions: 'Versions',
    runtime: 'Exécution',
    time: 'Où va le temps',
  },
  time: {
    note: 'Les opérations selon le temps qu’elles passent elles-mêmes, sans leurs enfants.',
    slower: 'Devenues plus lentes',
    slowerHint: 'sur la période, selon ce que cela coûte',
    slowerNone: 'Rien n’est devenu nettement plus lent sur la période.',
    selfTime: 'Temps propre',
    selfShare: 'Part du temps propre',
    mean: 'Moyenne',
    meanSelf: 'Propre moyen',
    before: 'Avant',
    after: 'Après',
    since: 'Depuis',
    factor: 'Facteur',
    calls: 'Appels',
    change: 'Écart',
    course: 'Cours',
    impact: 'Coûte',
    impactHint: 'Secondes de plus qu’il y faut, chaque seconde',
    deployed: (release: string) => `${release} déployée`,
    isNew: 'nouveau',
    traces: 'Traces de cette opération',
    table: 'Opérations par temps propre',
    emptyHint:
      'Le temps propre est compté deux minutes après l’arrivée des spans. Élargissez la période, ou attendez un instant.',
    all: 'tous les services',
    total: (time: string) => `${time} en tout`,
  },
  versions: {
    hint: 'sur la période, la plus récente d’abord',
    table: 'Versions du service',
    operations: 'Opérations par version',
    seen: 'Vue',
    requests: 'Requêtes',
    none: 'Aucune version n’est connue',
    noneHint:
      'Les spans de ce service ne portent pas service.version. Avec elle, les versions se comparent ici.',
    against: (release: string) => `face à ${release}`,
    gone: 'absente de cette version',
  },
  runtime: {
    none: 'Aucune métrique d’exécution',
    noneHint:
      'Des métriques telles que process.memory.usage, jvm.memory.used ou nodejs.eventloop.delay paraissent ici dès que l’instrumentation du langage les envoie.',
    more: (n: number) => (n === 1 ? '1 autre série' : `${n} autres séries`),
    rate: 'par seconde',
    mean: 'moyenne',
  },
};
