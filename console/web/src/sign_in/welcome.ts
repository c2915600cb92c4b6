/** Whom the sign-in screen greets after a one-time link: the page is loaded anew in between. */

const KEY = "streamgate.welcome";

export function welcome(user: string): void {
  window.sessionStorage.setItem(KEY, user);
}

/** Who has just chosen a password here; "" for nobody. */
export function welcomed(): string {
  return window.sessionStorage.getItem(KEY) ?? "";
}

export function forgetWelcome(): void {
  window.sessionStorage.removeItem(KEY);
}
