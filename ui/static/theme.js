// Runs before the first paint, so that neither colour nor language flashes.
(function () {
  var root = document.documentElement;
  var choice = null;
  var language = null;
  try {
    choice = localStorage.getItem('qd-theme');
    language = localStorage.getItem('qd-language');
  } catch {
    // storage is blocked: the system decides
  }
  var light = matchMedia('(prefers-color-scheme: light)').matches;
  var theme = choice === 'light' || choice === 'dark' ? choice : light ? 'light' : 'dark';
  root.setAttribute('data-theme', theme);
  root.lang =
    language === 'fr' || language === 'en'
      ? language
      : /^fr\b/i.test(navigator.language || '')
        ? 'fr'
        : 'en';
})();
