import { describe, expect, test } from "vitest";
import { readLook } from "./look";

const refusedNames = (search: string): string[] => readLook(search).refused.map((one) => one.name);

describe("the look", () => {
  test("without a word is that of bullet comments, white with a black outline", () => {
    expect(readLook("?token=abc")).toEqual({
      look: {
        style: "bullet",
        color: "#ffffff",
        outline: "#000000",
        size: 42,
        font: "",
        rows: 8,
        seconds: 10,
        authors: false,
        preview: false,
      },
      refused: [],
    });
  });

  test("is as the address says", () => {
    const { look, refused } = readLook("?style=list&color=ffcc00&outline=%23123&size=28.5&font=Noto+Sans+CJK+SC&rows=4&seconds=0&authors=0");
    expect(refused).toEqual([]);
    expect(look).toEqual({
      style: "list",
      color: "#ffcc00",
      outline: "#112233",
      size: 28.5,
      font: "Noto Sans CJK SC",
      rows: 4,
      seconds: 0,
      authors: false,
      preview: false,
    });
  });

  test("of each style has measures of its own", () => {
    expect(["bullet", "list", "ticker"].map((style) => readLook(`?style=${style}`).look.seconds)).toEqual([10, 60, 15]);
    expect(readLook("?style=ticker").look.authors).toBe(true);
  });

  test("takes a font of any script", () => {
    expect(readLook(`?font=${encodeURIComponent("思源黑体 CN")}`).look.font).toBe("思源黑体 CN");
  });
});

describe("a value that does not fit is refused, and as at first", () => {
  test.each([
    ["style", "marquee"],
    ["color", "red;background:url(//x)"],
    ["color", "12345"],
    ["outline", "#12345g"],
    ["size", "11"],
    ["size", "201"],
    ["size", "1e2"],
    ["size", "NaN"],
    ["size", "-20"],
    ["font", 'a";}body{background:red'],
    ["font", "x".repeat(65)],
    ["rows", "0"],
    ["rows", "31"],
    ["seconds", "2"],
    ["seconds", "0"],
    ["seconds", "61"],
    ["authors", "yes"],
    ["preview", "true"],
  ])("%s=%s", (name, value) => {
    const search = `?${name}=${encodeURIComponent(value)}`;
    expect(refusedNames(search)).toEqual([name]);
    expect(readLook(search).look).toEqual(readLook("").look);
  });

  test("each of several", () => {
    expect(refusedNames("?size=9&rows=99&color=ffffff")).toEqual(["size", "rows"]);
  });
});
