import type { Comment } from "../feed/wire";

/** A comment as an element: name and text as text, each isolated. */
export function makeItem(tag: "p" | "div", { author, text }: Comment, authors: boolean): HTMLElement {
  const item = document.createElement(tag);
  item.className = "item";
  if (authors && author !== "") item.append(isolated("name", author));
  item.append(isolated("text", text));
  return item;
}

function isolated(className: string, text: string): HTMLElement {
  const element = document.createElement("bdi");
  element.className = className;
  element.textContent = text;
  return element;
}
