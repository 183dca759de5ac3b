/** Dark or light: the viewer's choice, else the system's. theme.js sets it before first paint. */

export type Theme = 'dark' | 'light';
export type ThemeChoice = Theme | 'system';

const STORE = 'qd-theme';

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(STORE);
    return value === 'dark' || value === 'light' ? value : 'system';
  } catch {
    return 'system';
  }
}

class ThemeState {
  choice = $state<ThemeChoice>(stored());
  #system = matchMedia('(prefers-color-scheme: light)');
  #systemLight = $state(this.#system.matches);
  readonly current: Theme = $derived(
    this.choice === 'system' ? (this.#systemLight ? 'light' : 'dark') : this.choice,
  );

  constructor() {
    this.#system.addEventListener('change', (event) => {
      this.#systemLight = event.matches;
      this.#paint();
    });
  }

  choose(choice: ThemeChoice): void {
    this.choice = choice;
    try {
      if (choice === 'system') localStorage.removeItem(STORE);
      else localStorage.setItem(STORE, choice);
    } catch {
      // storage is blocked: the choice lasts as long as the page
    }
    this.#paint();
  }

  toggle = (): void => this.choose(this.current === 'dark' ? 'light' : 'dark');

  #paint(): void {
    document.documentElement.dataset.theme = this.current;
  }
}

export const theme = new ThemeState();
