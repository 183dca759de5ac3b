/** Les sortes de ressources et leurs champs, que le schéma nomme en anglais. */
import type { kinds as english } from '../en/kinds.ts';

export const kinds: typeof english = {
  'project-settings': {
    title: 'Réglages du projet',
    note: 'Ce qu’est un projet et avec quoi ses pages s’ouvrent.',
    fields: {
      description: ['Description', 'Ce qu’est ce projet, pour qui le voit la première fois.'],
      default_environment: [
        'Environnement par défaut',
        'L’environnement avec lequel les pages s’ouvrent ; vide pour tous.',
      ],
      default_range: [
        'Période par défaut',
        'La période avec laquelle les pages s’ouvrent, relative à maintenant.',
      ],
      timezone: ['Fuseau horaire', 'Le fuseau des jours dans les rapports de ce projet.'],
    },
  },
  retention: {
    title: 'Rétention',
    note: 'Combien de jours les traces, journaux et métriques d’un projet sont gardés.',
    fields: {
      traces: ['Traces', 'Jours pendant lesquels les spans sont gardés.'],
      logs: ['Journaux', 'Jours pendant lesquels les lignes de journal sont gardées.'],
      metrics: ['Métriques', 'Jours pendant lesquels les points de métrique sont gardés.'],
    },
  },
  'saved-search': {
    title: 'Recherches',
    note: 'Une recherche de traces ou de journaux qui mérite d’être gardée.',
    fields: {
      title: ['Titre', 'Le nom de la recherche dans les listes.'],
      description: ['Description', 'Ce qu’elle trouve et quand elle sert.'],
      signal: ['Signal', 'Ce qui est cherché.'],
      query: ['Requête', 'La recherche, telle qu’on l’écrit dans le champ de cette page.'],
      service: ['Service', 'Seulement ce service ; vide pour tous.'],
      environment: ['Environnement', 'Seulement cet environnement ; vide pour tous.'],
      range: ['Période', 'Relative au moment où on l’ouvre, comme -1h ; ou deux instants, DE..À.'],
      columns: [
        'Colonnes',
        'Attributs montrés en colonnes, de gauche à droite ; vide pour les usuels.',
      ],
      sort: ['Ordre', 'Ce qui vient d’abord ; « slowest » est pour les traces.'],
      pinned: ['Épinglée', 'Proposée à tous en haut de la page.'],
    },
  },
  'derived-metric': {
    title: 'Métriques dérivées',
    note: 'Des métriques comptées à partir de journaux ou de spans.',
    fields: {
      title: ['Titre', 'Le nom de la métrique dans les listes.'],
      description: ['Description', 'Ce qu’elle compte et à quoi elle sert.'],
      metric: ['Métrique', 'Son nom : lettres, chiffres et . _ - /, une lettre d’abord.'],
      signal: ['Signal', 'Ce qui est regardé : lignes de journal ou spans.'],
      query: ['Requête', 'La recherche qui les trouve ; vide pour tous.'],
      aggregation: [
        'Agrégation',
        '« count » compte, « sum » additionne un champ, « histogram » le répartit.',
      ],
      field: [
        'Champ',
        'L’attribut dont le nombre est additionné ou réparti ; pour les spans aussi « duration », en secondes.',
      ],
      scale: [
        'Facteur',
        'Ce par quoi le nombre du champ est multiplié, 0.001 pour faire des secondes de millisecondes.',
      ],
      unit: ['Unité', 'Telle qu’UCUM l’écrit : 1, s, By, {request}.'],
      bounds: [
        'Bornes',
        'Les bornes supérieures des classes d’un histogramme, croissantes ; à défaut celles des durées en secondes.',
      ],
      group_by: [
        'Regroupée par',
        'Attributs qui deviennent des étiquettes ; service, environnement et version en sont toujours.',
      ],
      max_series: [
        'Séries au plus',
        'Séries d’un jour ; au-delà, une seule qui porte otel.metric.overflow.',
      ],
    },
  },
  'log-drain': {
    title: 'Réceptions de journaux',
    note: 'Une adresse à laquelle Vercel, Netlify ou Supabase envoie ses journaux.',
    fields: {
      provider: [
        'Hébergeur',
        'Qui envoie. Ses journaux arrivent à /api/drains/HÉBERGEUR/NOM?project=PROJET.',
      ],
      secret: [
        'Secret de signature',
        'Le secret avec lequel Vercel signe ses envois ; il dispense d’une clé.',
      ],
      verification: [
        'Code de vérification',
        'Ce que Vercel veut voir dans x-vercel-verify à la création. À effacer ensuite : tant qu’il est là, les envois sans signature sont bien accueillis, mais jamais gardés.',
      ],
      service: ['Service', 'Le service de ce qui est envoyé ; vide pour le nom qu’a l’hébergeur.'],
      environment: ['Environnement', 'L’environnement de ce qui n’en dit rien.'],
    },
  },
  'scrape-job': {
    title: 'Tâches de collecte',
    note: 'Des exportateurs interrogés pour leurs métriques, comme le fait Prometheus.',
    fields: {
      job_name: ['Nom de la tâche', 'L’étiquette « job » ; vide pour le nom de la ressource.'],
      static_configs: ['Cibles', 'Les adresses connues d’avance.'],
      file_sd_configs: ['Fichiers', 'Les cibles lues dans des fichiers.'],
      dns_sd_configs: ['DNS', 'Les cibles trouvées par le DNS.'],
      scrape_interval: ['Intervalle', 'Tous les combien une cible est interrogée.'],
      scrape_timeout: [
        'Délai',
        'Le temps que peut prendre une réponse ; vide pour 10s, ou l’intervalle s’il est plus court.',
      ],
      metrics_path: ['Chemin', 'Où les cibles répondent.'],
      scheme: ['Protocole', 'http ou https.'],
      params: ['Paramètres', 'Les paramètres de l’adresse.'],
      honor_labels: [
        'Garder leurs étiquettes',
        'Si les étiquettes d’une cible l’emportent sur les nôtres ; sinon elles deviennent exported_….',
      ],
      honor_timestamps: ['Garder leurs heures', 'Si les heures d’une cible sont crues.'],
      track_timestamps_staleness: [
        'Suivre leur fin',
        'Si les séries à heures propres prennent fin quand elles ne sont plus dites.',
      ],
      basic_auth: ['Authentification de base', 'Nom et mot de passe.'],
      authorization: ['Autorisation', 'Un jeton, ou un autre schéma.'],
      bearer_token: ['Jeton', 'L’ancienne façon d’écrire l’autorisation.'],
      tls_config: ['TLS', 'Comment https est parlé.'],
      follow_redirects: ['Suivre les redirections', 'Si elles sont suivies, dix au plus.'],
      enable_compression: ['Compression', 'Si les réponses peuvent être compressées.'],
      scrape_protocols: ['Formats', 'Les formats demandés, le meilleur d’abord.'],
      fallback_scrape_protocol: [
        'Format par défaut',
        'Le format d’une réponse qui ne dit pas le sien.',
      ],
      scrape_native_histograms: [
        'Histogrammes natifs',
        'S’il faut demander d’abord protobuf, qui seul les porte.',
      ],
      always_scrape_classic_histograms: [
        'Histogrammes classiques aussi',
        'Si les seaux d’un histogramme natif sont gardés aussi comme histogramme classique.',
      ],
      relabel_configs: ['Réétiquetage des cibles', 'Fait avant d’interroger une cible.'],
      metric_relabel_configs: ['Réétiquetage des métriques', 'Fait avant de garder une série.'],
      sample_limit: [
        'Points au plus',
        'D’une réponse, après réétiquetage ; au-delà elle échoue. 0 pour aucune limite.',
      ],
      label_limit: ['Étiquettes au plus', 'D’une série. 0 pour aucune limite.'],
      label_name_length_limit: ['Nom d’étiquette le plus long', '0 pour aucune limite.'],
      label_value_length_limit: ['Valeur d’étiquette la plus longue', '0 pour aucune limite.'],
      target_limit: [
        'Cibles au plus',
        'De cette tâche, après réétiquetage ; au-delà aucune n’est interrogée. 0 pour aucune limite.',
      ],
      keep_dropped_targets: ['Cibles écartées montrées', '0 pour 100.'],
      body_size_limit: ['Réponse la plus grande', 'Décompressée. 0 pour 64MB.'],
    },
  },
  'recording-rules': {
    title: 'Règles d’enregistrement',
    note: 'Des groupes d’expressions PromQL calculées à intervalle régulier et gardées comme séries.',
    fields: {
      groups: [
        'Groupes',
        'Des règles qui partagent une horloge, comme dans un fichier de Prometheus.',
      ],
    },
  },
  'saved-query': {
    title: 'Requêtes SQL',
    note: 'Du SQL sur la télémétrie qui mérite d’être gardé.',
    fields: {
      title: ['Titre', 'Le nom de la requête dans les listes.'],
      description: ['Description', 'À quoi elle répond et comment la lire.'],
      sql: ['SQL', 'Un SELECT, comme docs/sql.md le décrit.'],
      show: ['Montrée', 'Ce avec quoi la réponse s’ouvre.'],
    },
  },
};
