import { describe, expect, it } from "vitest";
import { letterOf } from "../live/keyboard";
import { actOf, KEY_OF, rateBeside } from "./keys";

const press = (key: string, code = "") => actOf({ key, code }, letterOf({ key, code }));

describe("keys", () => {
  it("do what is printed on the buttons", () => {
    for (const [act, key] of Object.entries(KEY_OF)) expect(press(key === "−" ? "-" : key.toLowerCase())).toBe(act);
  });
  it("are found with a Chinese input method on", () => {
    expect(press("。", "Period")).toBe("frame");
    expect(press("Process", "Period")).toBe("frame");
    expect(press("Process", "KeyI")).toBe("in");
  });
  it("are few", () => {
    expect(press("a", "KeyA")).toBeNull();
    expect(press("Enter", "Enter")).toBeNull();
  });
});

describe("speeds", () => {
  it("go up and down and stop at the ends", () => {
    expect(rateBeside(1, 1)).toBe(1.5);
    expect(rateBeside(1, -1)).toBe(0.5);
    expect(rateBeside(8, 1)).toBe(8);
    expect(rateBeside(0.25, -1)).toBe(0.25);
  });
});
