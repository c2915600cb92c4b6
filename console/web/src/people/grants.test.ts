import { describe, expect, it } from "vitest";
import type { Person } from "../api/types";
import { byRole, channelsOf, findPeople, isSame, outcomeTone, rolesInWords, standing, toggle } from "./grants";
import { en, zh } from "./strings";

function person(user: string, more: Partial<Person> = {}): Person {
  return {
    user,
    display_name: "",
    roles: ["operator"],
    disabled: false,
    invited: false,
    has_password: true,
    link_expires_at: null,
    totp: false,
    created_at: 1,
    created_by: "console:alice",
    last_sign_in_at: null,
    ...more,
  };
}

function inWords({ roles }: Person): string {
  return rolesInWords(roles, en, en.joins);
}

describe("roles", () => {
  it("are gathered by role, everywhere before channels", () => {
    expect(byRole(["operator@main", "director", "operator@hall"])).toEqual([
      { role: "operator", channels: ["main", "hall"] },
      { role: "director", channels: null },
    ]);
    expect(byRole(["operator@main", "operator"])).toEqual([{ role: "operator", channels: null }]);
    expect(byRole(["operator", "operator@main"])).toEqual([{ role: "operator", channels: null }]);
  });

  it("are given and taken one at a time", () => {
    expect(toggle(["auditor"], "operator", "main")).toEqual(["auditor", "operator@main"]);
    expect(toggle(["auditor", "operator@main"], "operator", "main")).toEqual(["auditor"]);
    expect(toggle(["operator@main", "operator@hall", "reviewer@main"], "operator")).toEqual(["reviewer@main", "operator"]);
    expect(toggle(["operator"], "operator")).toEqual([]);
  });

  it("are the same in any order", () => {
    expect(isSame(["a", "b@c"], ["b@c", "a"])).toBe(true);
    expect(isSame(["a"], ["a", "b"])).toBe(false);
    expect(isSame(["a", "c"], ["a", "b"])).toBe(false);
  });

  it("keep a channel that is gone in sight", () => {
    expect(channelsOf(["main"], ["operator@old", "reviewer@main", "auditor"])).toEqual(["main", "old"]);
  });

  it("are told in both languages", () => {
    const given = ["director", "operator@main", "operator@hall"];
    expect(rolesInWords(given, en, en.joins)).toBe("Director · Operator on main, hall");
    expect(rolesInWords(given, zh, zh.joins)).toBe("导播 · 操作员（main、hall）");
    expect(rolesInWords(["archivist@main"], en, en.joins)).toBe("archivist on main");
  });
});

describe("people", () => {
  it("have a standing", () => {
    expect(standing(person("a"))).toBe("active");
    expect(standing(person("a", { disabled: true, invited: true }))).toBe("disabled");
    const invited = { invited: true, has_password: false };
    expect(standing(person("a", { ...invited, link_expires_at: 9 }))).toBe("invited");
    expect(standing(person("a", invited))).toBe("invitation_over");
    expect(standing(person("a", { has_password: false, link_expires_at: 9 }))).toBe("reset");
    expect(standing(person("a", { has_password: false }))).toBe("reset_over");
    expect(standing(person("a", { link_expires_at: 9 }))).toBe("active");
  });

  it("are found by name, shown name and role", () => {
    const people = [person("ann", { display_name: "Ann Lee" }), person("王明", { roles: ["auditor"] })];
    const found = (wanted: string) => findPeople(people, wanted, inWords).map(({ user }) => user);
    expect(found("")).toEqual(["ann", "王明"]);
    expect(found(" LEE ")).toEqual(["ann"]);
    expect(found("audit 王")).toEqual(["王明"]);
    expect(found("ann auditor")).toEqual([]);
  });
});

describe("the sign-in log", () => {
  it("warns of failures and not of a code that was asked for", () => {
    expect(outcomeTone("ok")).toBe("good");
    expect(outcomeTone("totp_needed")).toBe("");
    expect(outcomeTone("bad_password")).toBe("warn");
  });
});
